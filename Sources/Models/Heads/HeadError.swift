/// An error about a head plugin: its path or name, and the reason why it cannot be used.
package struct HeadError: Error, Equatable, CustomStringConvertible {
    package enum Reason: Equatable, Sendable {
        case badName
        case notFound(known: [String], searched: [String])
        case cannotOpen(String)
        case notAHead(String)
        case wrongName(String, expected: String)
        /// The name that the plugin gives itself is already the name of another plugin file.
        case nameTaken(String, by: String)
        case abiMismatch(host: UInt32, plugin: UInt32)
        case call(String, why: String)
        /// The child process that inspected the plugin failed; the text says how.
        case inspection(String)
    }

    /// The plugin's path; its name if no file was found, or if the plugin is already loaded.
    package let plugin: String
    package let reason: Reason

    package init(plugin: String, reason: Reason) {
        self.plugin = plugin
        self.reason = reason
    }

    package var description: String {
        switch reason {
        case .badName: "head \"\(plugin)\": a head's name is lower-case letters, digits and hyphens"
        case .notFound(let known, _) where known.isEmpty:
            "head \"\(plugin)\" is unknown, and there is no head plugin at all; set WATCHWORD_PLUGIN_PATH"
        case .notFound(let known, _): "head \"\(plugin)\" is unknown; there are: \(known.joined(separator: ", "))"
        case .cannotOpen(let why): "head plugin \(plugin) cannot be opened: \(why)"
        case .notAHead(let why): "\(plugin) is not a head plugin: \(why)"
        case .wrongName(let name, let expected):
            "\(plugin) is not a head plugin: it calls itself \"\(name)\", not \"\(expected)\""
        case .nameTaken(let name, let other):
            "head plugin \(plugin) calls itself \"\(name)\", which is the name of \(other): remove one of them"
        case .abiMismatch(let host, let built):
            "head plugin \(plugin) was built for ABI \(built), this Watchword has ABI \(host): rebuild the plugin"
        case .inspection(let what): "head plugin \(plugin) \(what)"
        case .call(let call, let why): "head \"\(plugin)\": \(call) failed: \(why)"
        }
    }
}
