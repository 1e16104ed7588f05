import Foundation
import Synchronization
import TestSupport
import Testing
import WireFormat

/// Debian's mosquitto, with sessions and retained messages that outlive it if it ends in order.
final class Broker: Sendable {
    let port: UInt16
    private let configuration: URL
    private let running: Mutex<Program?> = Mutex(nil)

    /// Starts one; `lines`: more of its configuration.
    init(_ folder: URL, port: UInt16, _ lines: [String] = ["allow_anonymous true"]) async throws {
        let script = Fixtures.repository.appending(path: "scripts/setup/mosquitto.sh").path
        let said = try await Program("/bin/sh", ["-c", "\(script) && echo made"]).rest()
        try #require(said.hasSuffix("made\n"), "\(said)")
        self.port = port
        let data = folder.appending(path: "broker-\(port)")
        try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
        configuration = data.appending(path: "mosquitto.conf")
        let all = [
            "listener \(port) 127.0.0.1", "persistence true", "persistence_location \(data.path)/",
            "max_queued_messages 0", "log_type none", "user root",
        ]
        try (all + lines).joined(separator: "\n").appending("\n").write(
            to: configuration, atomically: true, encoding: .utf8)
        try await start()
    }

    func start() async throws {
        let run = Fixtures.repository.appending(path: ".build/mosquitto/run").path
        // A child of a test inherits blocked signals, and would not end in order.
        let unblocked =
            "import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execv(sys.argv[1], sys.argv[1:])"
        let program = try Program("/usr/bin/python3", ["-c", unblocked, run, configuration.path])
        running.withLock { $0 = program }
        #expect(
            try await until {
                (try? output(of: "python3", ["-c", "import socket; socket.create_connection(('127.0.0.1', \(port)))"]))
                    != nil
            })
    }

    /// Ends it in order: what it has is kept.
    func stop() async throws {
        let program = running.withLock { $0 }
        program?.send(SIGTERM)
        #expect(try await until { program?.isRunning != true })
    }

    func kill() { running.withLock { $0?.kill() } }
}

/// A program in Python that prints lines of JSON, and what it printed.
final class Talker: Sendable {
    private let program: Program
    private let got = Got()

    private final class Got: Sendable {
        let lines = Mutex<[JSONValue]>([])
    }

    /// Starts a script of the fixtures with the libraries of PyPI; `tools`: where these are.
    init(_ script: String, _ arguments: [String], tools: String = "web-tools", hasInput: Bool = false) async throws {
        let setup = Fixtures.repository.appending(path: "scripts/setup/\(tools).sh").path
        let said = try await Program("/bin/sh", ["-c", "\(setup) && echo made"]).rest()
        try #require(said.hasSuffix("made\n"), "\(said)")
        let python = Fixtures.repository.appending(path: ".build/\(tools)/bin/python").path
        let file = Fixtures.repository.appending(path: "Tests/Fixtures/notify/\(script)").path
        program = try Program(python, [file] + arguments, hasInput: hasInput)
        Thread { [program, got] in
            while let line = program.nextLineNow() {
                guard let value = try? JSONText.parse(Data(line.utf8)) else { continue }
                got.lines.withLock { $0.append(value) }
            }
        }.start()
        try #require(try await until(deadline: .seconds(180)) { all.contains { $0["ready"] != nil } })
    }

    deinit { program.kill() }

    func kill() { program.kill() }
    func say(_ line: String) { program.say(line) }
    var all: [JSONValue] { got.lines.withLock { $0 } }
    /// Messages of a topic, as far as it goes.
    func of(_ topic: String) -> [JSONValue] { all.filter { $0["topic"]?.string?.hasPrefix(topic) == true } }
}
