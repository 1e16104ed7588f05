package import StreamSources
import Yams

extension SourcePolicy {
    /// Reads the section `sources`: which files, addresses and URI schemes streams added by clients may open.
    init(_ root: YAMLMapping, path: String) throws(ConfigurationError) {
        self.init()
        let keys = ["schemes", "files", "addresses", "launch", "playlists"]
        guard let section = try root.mapping("sources", keys: keys) else { return }
        if let wanted = try section.strings("schemes") {
            for scheme in wanted where !Self.standardSchemes.contains(scheme) {
                let known = Self.standardSchemes.sorted().joined(separator: ", ")
                throw section.failure("schemes", "expected some of \(known), found \"\(scheme.prefix(40))\"")
            }
            schemes = Set(wanted)
        }
        files = try section.strings("files") ?? []
        for text in try section.strings("addresses") ?? [] {
            guard let range = AddressRange(text) else {
                throw section.failure(
                    "addresses", "expected an address or a range as in 127.0.0.0/8, found \"\(text.prefix(64))\"")
            }
            addresses.append(range)
        }
        launch = try section.bool("launch") ?? false
        playlists = try section.bool("playlists") ?? false
    }
}

/// A camera's user and password: the path of their file, and the hosts that they may be sent to.
package struct CameraCredentials: Sendable, Equatable {
    /// The path of the file with user and password, or its name in `$CREDENTIALS_DIRECTORY`.
    package var file: String
    package var hosts: [HostPattern]

    /// Reads the section `credentials`: names for streams to refer to, each with the key `hosts`.
    ///
    /// The key `file` names the file if its name is another.
    static func all(_ root: YAMLMapping, path: String) throws(ConfigurationError) -> [String: CameraCredentials] {
        var all: [String: CameraCredentials] = [:]
        guard let node = root.node("credentials") else { return all }
        guard let pairs = node.pairs else {
            throw root.failure("credentials", "expected names, each with file and hosts, found \(node.name)")
        }
        for pair in pairs {
            guard let name = pair.key, !name.isEmpty, !name.contains("/") else {
                throw root.failure("credentials", "a name must be a word without /")
            }
            let section = try YAMLMapping(
                pair.value, path: path, line: pair.line, what: "credentials: \(name.prefix(64))",
                keys: ["file", "hosts"])
            let hosts = try section.strings("hosts") ?? []
            guard !hosts.isEmpty else {
                throw section.failure(
                    "hosts", "name the hosts that these credentials are for, as in [camera-1.example]")
            }
            var patterns: [HostPattern] = []
            for text in hosts {
                guard let pattern = HostPattern(text) else {
                    throw section.failure(
                        "hosts", "expected a host as in camera-1.example or 10.0.0.5:554, found \"\(text.prefix(64))\"")
                }
                patterns.append(pattern)
            }
            all[name] = CameraCredentials(file: try section.string("file") ?? name, hosts: patterns)
        }
        return all
    }
}
