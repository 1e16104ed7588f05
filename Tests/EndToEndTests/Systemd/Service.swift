import Foundation
import Journal
import TestSupport
import WireFormat

/// A daemon started in the way of systemd.
struct Service {
    let place: Place
    let socket: NotifySocket
    let daemon: Program
    let errors: URL

    /// Starts a daemon; `configuration` is its YAML besides the sockets, `watchdog` is in microseconds.
    ///
    /// `through` is a command that runs the daemon.
    init(
        _ configuration: String, watchdog: Int = 400_000, environment: [String] = [], through: [String] = []
    ) throws {
        place = try Place()
        socket = try NotifySocket()
        errors = place.folder.appending(path: "err")
        let config = place.folder.appending(path: "w.yaml")
        let common = """
            pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)
            publish: \(place.publish)
            control: \(place.control)

            """
        try Data((common + configuration).utf8).write(to: config)
        _ = FileManager.default.createFile(atPath: errors.path, contents: nil)
        let state = place.folder.appending(path: "disk").path
        // As systemd has it for a journal: a file's device and inode are as good.
        let script = "JOURNAL_STREAM=$(stat -c %d:%i \"$0\") exec env \"$@\" 2>>\"$0\""
        daemon = try Program(
            "/bin/sh",
            ["-c", script, errors.path] + environment + [
                "NOTIFY_SOCKET=\(socket.name)", "WATCHDOG_USEC=\(watchdog)", "STATE_DIRECTORY=\(state)",
                "WATCHWORD_MODEL=\(Fixtures.shapes.path)",
            ] + through + [
                Fixtures.plugins + "/watchwordd", "--config", config.path,
            ])
    }

    var log: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }

    /// The journal's messages of a topic.
    func told(_ topic: String) throws -> [JSONValue] {
        try place.entries().filter { $0.topic == topic }.map { try WireCoding.decode(JSONValue.self, $0.body) }
    }

    /// Ends the daemon as `systemctl stop` does: SIGTERM, then SIGKILL after TimeoutStopSec.
    func stop() async throws -> Int32 {
        let limit = Task {
            try await Task.sleep(for: .seconds(10))
            daemon.kill()
        }
        defer { limit.cancel() }
        return try await daemon.terminate()
    }
}

/// Runs a system tool to its end; returns its exit code, and its output with its error output.
func tool(_ path: String, _ arguments: [String]) async throws -> (code: Int32, out: String) {
    try await blocking {
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let out = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, out)
    }
}

/// The unit file that the package installs.
let serviceUnit = Fixtures.repository.appending(path: "systemd/watchword.service").path
