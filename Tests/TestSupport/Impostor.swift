import Foundation

/// Servers on loopback addresses, all on one port, that record what they receive (`scripts/servers/impostor.py`).
package final class Impostor: Sendable {
    package let port: String
    private let program: Program
    private let heard: Heard

    /// What was received so far, as lines of "ADDRESS\tREQUEST".
    private actor Heard {
        var lines: [String] = []
        func add(_ line: String) { lines.append(line) }
    }

    package init(_ addresses: [String]) async throws {
        let program = try Program(
            "/usr/bin/python3", [Fixtures.repository.appending(path: "scripts/servers/impostor.py").path] + addresses)
        let ready = try await program.line()
        guard ready.hasPrefix("READY ") else { throw MissingServer(said: ready) }
        port = String(ready.dropFirst(6))
        self.program = program
        let heard = Heard()
        self.heard = heard
        Task {
            while case let line = try await program.line(), !line.isEmpty { await heard.add(line) }
        }
    }

    /// Returns what one of the addresses received, "connected" first.
    package func requests(_ address: String) async -> [String] {
        await heard.lines.filter { $0.hasPrefix("\(address)\t") }.map { String($0.dropFirst(address.count + 1)) }
    }

    // What reads its output holds the program: only its end ends that.
    deinit { program.kill() }
}
