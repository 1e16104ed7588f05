import Foundation
package import Logging
package import Messaging
import SystemSupport
import Yams

/// The section `curve` of the configuration: with it, the ZeroMQ sockets accept only CURVE connections of listed
/// clients.
package struct CurveConfiguration: Sendable, Equatable {
    /// The path of the file with the server's secret key.
    package var key: String
    /// The path of the file that lists the clients, one per line: `NAME KEY ROLE[,ROLE]`.
    package var clients: String

    /// The greatest size of the client list in bytes, enough for some ten thousand clients.
    private static let largestList = 1 << 20

    /// The default names of both files; they are searched in the systemd credentials directory.
    private static let usual = (key: "curve.key", clients: "curve.clients")

    init?(_ root: YAMLMapping, _ path: String) throws(ConfigurationError) {
        try root.refuseEmpty(
            "curve", "keys and values; write \"curve: {}\" for the usual files, or leave curve out")
        guard let section = try root.mapping("curve", keys: ["key", "clients"]) else { return nil }
        key = try section.string("key") ?? Self.usual.key
        clients = try section.string("clients") ?? Self.usual.clients
    }

    /// Returns this section with absolute paths of its files.
    ///
    /// A name without a folder is a systemd credential (`LoadCredential=`) if there is one of that name. Other relative
    /// paths are relative to the configuration's folder.
    func located(
        absolute: (String) -> String, credentials: String? = Credential.directory
    ) -> CurveConfiguration {
        func locate(_ path: String) -> String { Credential.file(path, in: credentials) ?? absolute(path) }
        var located = self
        located.key = locate(key)
        located.clients = locate(clients)
        return located
    }

    /// Reads both files and makes the authentication for the ZeroMQ sockets; throws if a file is missing, unsafe or
    /// invalid.
    package func gate(logger: Logger) throws(ConfigurationError) -> CurveGate {
        do {
            return try CurveGate(secret: KeyFile.secret(key), clients: list(), logger: logger)
        } catch let error as CurveKeyError {
            throw ConfigurationError(path: error.path ?? key, line: nil, reason: error.reason)
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw ConfigurationError(path: key, line: nil, reason: "\(error)")
        }
    }

    /// Reads only the client list, for `CurveGate.reload`.
    package func list() throws(ConfigurationError) -> ClientList {
        let data: Data
        do {
            data = try GuardedFile.read(clients, "file of clients", .trusted, limit: Self.largestList)
        } catch {
            throw ConfigurationError(path: clients, line: nil, reason: "\(error)")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw ConfigurationError(path: clients, line: nil, reason: "this is not text")
        }
        do {
            return try ClientList(text)
        } catch {
            throw ConfigurationError(path: clients, line: error.line, reason: error.reason)
        }
    }
}

extension ControlLimits {
    /// Reads the section `limits`: sizes and rates of requests to the control socket; missing keys keep their defaults.
    init(_ root: YAMLMapping) throws(ConfigurationError) {
        self.init()
        let keys = ["request_megabytes", "import_megabytes", "requests_per_second"]
        guard let section = try root.mapping("limits", keys: keys) else { return }
        func megabytes(_ key: String, _ standard: Int) throws(ConfigurationError) -> Int {
            guard let number = try section.integer(key) else { return standard }
            guard (1...1024).contains(number) else { throw section.failure(key, "expected 1 to 1024, found \(number)") }
            return number << 20
        }
        request = try megabytes("request_megabytes", request)
        importRequest = try megabytes("import_megabytes", importRequest)
        if let number = try section.double("requests_per_second") {
            guard (1...100_000).contains(number) else {
                throw section.failure("requests_per_second", "expected 1 to 100000, found \(number)")
            }
            rate = number
            burst = number * 5
        }
    }
}
