package import Foundation

/// A local model hub (`scripts/servers/hub-server.py`), and a folder to pull into.
package struct HubServer: Sendable {
    /// A request that the hub received.
    package struct Request: Decodable {
        package let path: String
        package let headers: [String: String]
    }

    package let folder: URL
    private let port: String
    private let server: Program
    private var log: URL { folder.appending(path: "log") }

    /// Serves a model's folder under a name.
    package init(model: URL = Fixtures.shapes, name: String = "owner/shapes") async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "hub-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let script = Fixtures.repository.appending(path: "scripts/servers/hub-server.py").path
        server = try Program(
            "/usr/bin/python3",
            [script, "--model", model.path, "--name", name, "--log", folder.appending(path: "log").path])
        let ready = try await server.line()
        guard ready.hasPrefix("READY ") else { throw MissingFixture(path: script) }
        port = String(ready.dropFirst(6))
    }

    package func address(_ behaviour: String) -> String { "http://127.0.0.1:\(port)/\(behaviour)" }

    /// Returns all requests so far, in order.
    package func requests() throws -> [Request] {
        guard let text = try? String(contentsOf: log, encoding: .utf8) else { return [] }
        return try text.split(separator: "\n").map { try JSONDecoder().decode(Request.self, from: Data($0.utf8)) }
    }

    /// Returns the requests for weights.
    package func weightRequests() throws -> [Request] {
        try requests().filter { $0.path.contains("/resolve/main/model.safetensors") }
    }
}
