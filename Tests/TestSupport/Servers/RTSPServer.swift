import Foundation

/// A real RTSP server on loopback in its own process (`scripts/servers/rtsp-server.py`).
package struct RTSPServer: Sendable {
    package let uri: String
    private let program: Program

    /// Starts the server with the script's arguments, and waits until it listens.
    package init(_ arguments: [String]) async throws {
        program = try Program(
            "/usr/bin/python3", [Fixtures.repository.appending(path: "scripts/servers/rtsp-server.py").path] + arguments
        )
        let ready = try await program.line()
        guard ready.hasPrefix("READY ") else { throw MissingServer(said: ready) }
        uri = String(ready.dropFirst(6))
    }

    package var port: Int { URL(string: uri)?.port ?? 0 }

    package func kill() { program.kill() }
}

/// The error for an RTSP server that did not start.
package struct MissingServer: Error, CustomStringConvertible {
    package let said: String
    package var description: String { "the RTSP server is not ready: \(said)" }
}
