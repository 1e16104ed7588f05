import Foundation

/// Servers on loopback that give no stream, each for a different reason (`scripts/servers/wrong-servers.py`).
package struct WrongServers: Sendable {
    private let program: Program
    private let ports: [String: Int]

    package init() async throws {
        program = try Program(
            "/usr/bin/python3", [Fixtures.repository.appending(path: "scripts/servers/wrong-servers.py").path],
            hasInput: true)
        let ready = try await program.line()
        guard ready.hasPrefix("READY ") else { throw MissingServer(said: ready) }
        ports = try JSONDecoder().decode([String: Int].self, from: Data(ready.dropFirst(6).utf8))
    }

    /// Returns a URI in which `PORT` is replaced by the port of a server.
    package func uri(_ text: String, of server: String) -> String {
        text.replacing("PORT", with: "\(ports[server] ?? 0)")
    }
}
