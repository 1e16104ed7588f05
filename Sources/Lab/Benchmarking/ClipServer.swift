import Foundation
import SystemSupport
import WatchwordConfiguration

/// Runs the RTSP server of `scripts/servers/` in a separate process; it plays the benchmark's clip to every client.
package final class ClipServer: Sendable {
    /// The RTSP URI at which the server plays the clip.
    let uri: String
    private let process: Process
    private let lifeline: Pipe

    /// The error for a script or program that the benchmark needs and that is missing or fails.
    package struct Missing: Error, CustomStringConvertible {
        package let description: String
    }

    /// Starts the server and blocks until it listens; first makes the clip if it does not exist.
    ///
    /// `scene` is `moving` or `still`. Throws `Missing` outside the project's sources, or if a program fails.
    package init(scene: String) throws {
        guard let scripts = Installation.inSources("scripts") else {
            throw Missing(description: "this benchmark runs from a build in the project's sources only")
        }
        let clip = try Self.line(
            of: Self.process("/bin/sh", [scripts.appending(path: "setup/bench-clip.sh").path, scene]),
            or: "the benchmark's clip could not be made")
        let server = Self.process(
            "/usr/bin/python3",
            [scripts.appending(path: "servers/rtsp-server.py").path, "--file", clip, "--loop", "--attached"])
        let lifeline = Pipe()
        server.standardInput = lifeline
        let ready = try Self.line(of: server, or: "the RTSP server did not start")
        process = server
        self.lifeline = lifeline
        uri = String(ready.dropFirst("READY ".count))
    }

    deinit { process.terminate() }

    /// The server's processor time so far, in seconds; 0 if it cannot be read.
    var cpuSeconds: Double {
        ProcFile.Stat("\(process.processIdentifier)").processorSeconds
    }

    private static func process(_ path: String, _ arguments: [String]) -> Process {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        return process
    }

    /// Starts a program and returns its first line of output; throws `Missing` with `problem` if it prints none.
    private static func line(of process: Process, or problem: String) throws -> String {
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        var line = Data()
        while true {
            let byte = output.fileHandleForReading.readData(ofLength: 1)
            if byte.isEmpty || byte == Data("\n".utf8) { break }
            line += byte
        }
        guard !line.isEmpty else { throw Missing(description: problem) }
        return String(decoding: line, as: UTF8.self)
    }
}
