import Foundation
package import Logging
package import Messaging
import SystemSupport
import Yams

/// The section `curve`: the sockets then accept only CURVE connections of listed clients.
package struct CurveConfiguration: Sendable, Equatable {
    /// The file with the server's secret key.
    package var key: String
    /// The file with the clients: lines of `NAME KEY ROLE[,ROLE]`.
    package var clients: String

    /// The greatest size of the clients' file in bytes: some ten thousand clients.
    private static let largestList = 1 << 20

    /// The names under which files that are not configured are searched in the credentials directory.
    private static let usual = (key: "curve.key", clients: "curve.clients")

    init?(_ root: YAMLMapping, _ path: String) throws(ConfigurationError) {
        try root.refuseEmpty(
            "curve", "keys and values; write \"curve: {}\" for the usual files, or leave curve out")
        guard let section = try root.mapping("curve", keys: ["key", "clients"]) else { return nil }
        key = try section.string("key") ?? Self.usual.key
        clients = try section.string("clients") ?? Self.usual.clients
    }

    /// Resolves the files' paths.
    ///
    /// A name without a folder is a credential if there is one of that name (systemd's `LoadCredential=`). Other
    /// relative paths begin at the configuration's folder.
    func located(
        absolute: (String) -> String, credentials: String? = Credential.directory
    ) -> CurveConfiguration {
        func locate(_ path: String) -> String { Credential.file(path, in: credentials) ?? absolute(path) }
        var located = self
        located.key = locate(key)
        located.clients = locate(clients)
        return located
    }

    /// Reads both files and makes the gate.
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

    /// Reads only the clients' file, for `CurveGate.reload`.
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
    /// Reads the section `limits`: what a peer may ask of the control socket.
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
