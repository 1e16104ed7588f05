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

    package let path: String
    package let reason: Reason

    package init(path: String, reason: Reason) {
        self.path = path
        self.reason = reason
    }

    package var description: String {
        switch reason {
        case .badName: "head \"\(path)\": a head's name is lower-case letters, digits and hyphens"
        case .notFound(let known, _) where known.isEmpty:
            "head \"\(path)\" is unknown, and there is no head plugin at all; set WATCHWORD_PLUGIN_PATH"
        case .notFound(let known, _): "head \"\(path)\" is unknown; there are: \(known.joined(separator: ", "))"
        case .cannotOpen(let why): "head plugin \(path) cannot be opened: \(why)"
        case .notAHead(let why): "\(path) is not a head plugin: \(why)"
        case .wrongName(let name, let expected):
            "\(path) is not a head plugin: it calls itself \"\(name)\", not \"\(expected)\""
        case .nameTaken(let name, let other):
            "head plugin \(path) calls itself \"\(name)\", which is the name of \(other): remove one of them"
        case .abiMismatch(let host, let plugin):
            "head plugin \(path) was built for ABI \(plugin), this Watchword has ABI \(host): rebuild the plugin"
        case .inspection(let what): "head plugin \(path) \(what)"
        case .call(let call, let why): "head \"\(path)\": \(call) failed: \(why)"
        }
    }
}
