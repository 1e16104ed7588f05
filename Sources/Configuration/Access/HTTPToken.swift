import Foundation
package import SystemSupport
package import WireFormat
import Yams

/// A bearer token of the web API, with its name, role and secret.
package struct HTTPToken: Sendable, Equatable {
    /// The token's name in logs and error messages.
    package let name: String
    package let role: Role
    package let secret: [UInt8]
    /// The patterns of names of the streams that the token's bearer may see; nil means all streams.
    package let streams: NamePatterns?

    package init(name: String, role: Role, secret: [UInt8], streams: NamePatterns? = nil) {
        self.name = name
        self.role = role
        self.streams = streams
        self.secret = secret
    }
}

extension HTTPConfiguration {
    /// A token as the configuration names it: its file, role and name.
    package struct Token: Sendable, Equatable {
        /// The path of the file with the token's secret, or the name of a systemd credential.
        package var file: String
        package var role = Role.control
        /// The token's name in logs and errors; by default the file's name.
        package var name: String
        /// The patterns of names of the streams that the token's bearer may see; nil means all streams.
        package var streams: NamePatterns?

        init(file: String, role: Role = .control, name: String? = nil) {
            self.file = file
            self.role = role
            self.name = name ?? URL(filePath: file).lastPathComponent
        }

        /// Reads one entry of `tokens`: `{file: F, role: R, name: N, streams: [S]}`; file and role are required.
        init(_ node: Node, path: String) throws(ConfigurationError) {
            let values = try YAMLMapping(node, path: path, what: "tokens", keys: ["file", "role", "name", "streams"])
            guard let file = try values.string("file"), !file.isEmpty else {
                throw values.failure("file", "it is missing: a file with the token")
            }
            guard let word = try values.string("role") else {
                throw values.failure("role", "it is missing: one of \(Role.words)")
            }
            guard let role = Role(word: word) else {
                throw values.failure("role", "\"\(word.prefix(40))\" is none of \(Role.words)")
            }
            self.init(file: file, role: role, name: try values.string("name"))
            guard let patterns = try values.strings("streams") else { return }
            // A role that may change queries or streams changes them for all streams.
            guard role == .view else {
                throw values.failure("streams", "only a token with the role view may be limited to some streams")
            }
            do throws(NamePatterns.Problem) { streams = try NamePatterns(patterns) } catch {
                throw values.failure("streams", error.description)
            }
        }
    }

    /// Reads the secrets of all tokens from their files; returns an empty array if no token is configured.
    ///
    /// Throws if a file is missing or unsafe, or two tokens have the same secret.
    package func secrets(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ConfigurationError) -> [HTTPToken] {
        var secrets: [HTTPToken] = []
        for token in tokens {
            let (path, secret) = try Self.read(token, environment["CREDENTIALS_DIRECTORY"])
            if let other = secrets.first(where: { $0.secret == secret }) {
                throw ConfigurationError(
                    path: path, line: nil,
                    reason: "\"\(token.name)\" and \"\(other.name)\" are one token; make another: openssl rand -hex 32")
            }
            secrets.append(HTTPToken(name: token.name, role: token.role, secret: secret, streams: token.streams))
        }
        return secrets
    }

    private static func read(
        _ token: Token, _ credentials: String?
    ) throws(ConfigurationError) -> (path: String, secret: [UInt8]) {
        let path = Credential.file(token.file, in: credentials) ?? token.file
        func failure(_ reason: String) -> ConfigurationError {
            ConfigurationError(path: path, line: nil, reason: reason)
        }
        let data: Data
        do {
            data = try GuardedFile.read(path, "token of http", .secret, limit: 4096, credentials: credentials)
        } catch {
            throw failure("\(error)")
        }
        let bytes = [UInt8](data).drop { $0 <= 0x20 }.reversed().drop { $0 <= 0x20 }.reversed().map { $0 }
        guard (16...1024).contains(bytes.count), bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw failure("the token of http must be one line of 16 to 1024 visible characters without spaces")
        }
        return (path, bytes)
    }
}
