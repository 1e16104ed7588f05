import Foundation
import Synchronization
import TestSupport
import Testing
import WireFormat

/// A webhook receiver: a Python program that checks requests by libraries from PyPI, and records them.
final class Receiver: Sendable {
    static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    let port: UInt16
    private let mode: URL
    private let program: Program
    private let got = Got()

    private final class Got: Sendable {
        let lines = Mutex<[JSONValue]>([])
        let hasEnded = Atomic(false)
    }

    /// Starts a receiver that answers by `mode`: ok, fail, hang, gone or redirect.
    ///
    /// `plain`: it accepts any JSON.
    init(_ folder: URL, port: UInt16, mode: String = "ok", plain: Bool = false) async throws {
        let tools = Fixtures.repository.appending(path: ".build/web-tools").path
        let setup = Fixtures.repository.appending(path: "scripts/setup/web-tools.sh").path
        let said = try await Program("/bin/sh", ["-c", "\(setup) && echo made"]).rest()
        try #require(said.hasSuffix("made\n"), "\(said)")
        self.port = port
        self.mode = folder.appending(path: "mode-\(port)")
        try mode.write(to: self.mode, atomically: true, encoding: .utf8)
        let script = Fixtures.repository.appending(path: "Tests/Fixtures/notify/receiver.py").path
        program = try Program(
            "\(tools)/bin/python", [script, "\(port)", Self.secret, self.mode.path] + (plain ? ["plain"] : []))
        try #require(try await program.line().contains("ready"))
        Thread { [program, got] in
            while let line = program.nextLineNow() {
                guard let value = try? JSONText.parse(Data(line.utf8)) else { continue }
                got.lines.withLock { $0.append(value) }
            }
            got.hasEnded.store(true, ordering: .releasing)
        }.start()
    }

    deinit { program.kill() }

    func answer(_ mode: String) throws { try mode.write(to: self.mode, atomically: true, encoding: .utf8) }

    /// Ends the receiver; all of its output is known afterwards.
    func stop() async throws {
        program.kill()
        #expect(try await until { self.got.hasEnded.load(ordering: .acquiring) })
    }

    var all: [JSONValue] { got.lines.withLock { $0 } }
    /// The requests that the receiver accepted.
    var taken: [JSONValue] { all.filter { $0["mode"] == .string("ok") && $0["error"] == nil } }
}
