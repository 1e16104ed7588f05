import Foundation

/// RTSP cameras on loopback that fail on command, all in one process (`scripts/servers/cameras.py`).
package struct Cameras: Sendable {
    private let program: Program

    /// Starts the process at an address; `within` is a command that runs it.
    package init(within: [String] = [], address: String = "127.0.0.1") async throws {
        let command =
            within + [
                "/usr/bin/env", "CAMERAS_ADDRESS=\(address)", "/usr/bin/python3",
                Fixtures.repository.appending(path: "scripts/servers/cameras.py").path,
            ]
        program = try Program(command[0], Array(command.dropFirst()), hasInput: true)
        let ready = try await program.line()
        guard ready == "READY" else { throw MissingServer(said: ready) }
    }

    /// The process's number, to stop and kill it.
    package var identifier: Int32 { program.identifier }
    package func send(_ signal: Int32) { program.send(signal) }

    /// Adds a camera that repeats a film's first seconds; returns its URI.
    package func add(_ name: String, film: String, seconds: Int) async throws -> String {
        try await tell("camera", name, film, "\(seconds)")
    }

    /// Returns the URI of the camera's own server, without the relay that fails, for tests in which the network fails.
    package func direct(_ name: String) async throws -> String { try await tell("direct", name) }

    package func fault(_ name: String, _ kind: String) async throws { _ = try await tell("fault", name, kind) }
    package func heal(_ name: String) async throws { _ = try await tell("heal", name) }

    private func tell(_ words: String...) async throws -> String {
        let said = try await program.ask(words.joined(separator: "\t"))
        guard said.hasPrefix("OK") else { throw MissingServer(said: said) }
        return String(said.dropFirst(3))
    }
}
