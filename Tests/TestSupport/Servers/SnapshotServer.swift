package import Foundation

/// A camera on loopback that serves single pictures (`scripts/servers/snapshot-server.py`).
package struct SnapshotServer: Sendable {
    /// The fields of one request.
    package struct Request: Decodable {
        package let path: String
        package let headers: [String: String]
        /// A number that distinguishes connections.
        package let connection: Int
    }

    package let port: Int
    private let server: Program
    private let log: URL

    package static let user = "cam"
    package static let password = "p@ss:w/or#d%?&!"

    /// Starts the server, which serves the files in `pictures` one after the other.
    package init(_ pictures: [URL]) async throws {
        log = FileManager.default.temporaryDirectory.appending(path: "snapshots-\(UUID()).log")
        let script = Fixtures.repository.appending(path: "scripts/servers/snapshot-server.py").path
        server = try Program(
            "/usr/bin/python3", [script] + pictures.map(\.path) + ["--log", log.path], hasInput: true)
        let ready = try await server.line()
        guard ready.hasPrefix("READY "), let port = Int(ready.dropFirst(6)) else { throw MissingServer(said: ready) }
        self.port = port
    }

    package func uri(_ path: String, host: String = "127.0.0.1") -> String { "http://\(host):\(port)/\(path)" }

    /// Returns all requests so far, in order.
    package func requests() throws -> [Request] {
        let text = try String(contentsOf: log, encoding: .utf8)
        return try text.split(separator: "\n").map { try JSONDecoder().decode(Request.self, from: Data($0.utf8)) }
    }

    package func end() { try? FileManager.default.removeItem(at: log) }
}
