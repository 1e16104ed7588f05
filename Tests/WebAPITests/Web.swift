import Daemon
import Foundation
import Health
import Journal
import Logging
import Publishing
import TestSupport
import Testing
import WatchwordConfiguration
import WebAPI
import WireFormat

/// A daemon in this process with its web API on a free port, and separate client programs.
final class Web: Sendable {
    let folder: URL
    let daemon: WatchwordDaemon
    let server: WebServer
    private let scoring: Task<Void, Never>

    init(
        _ lines: [String] = [], http: String = "{listen: \"127.0.0.1:0\", rate: 100000}",
        limits: WebServer.Limits = .init()
    ) async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "web-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let all =
            [
                "model: \(Fixtures.shapes.path)", "head: mean", "journal: \(folder.path)/journal.sqlite",
                "publish: ipc://\(folder.path)/e", "plugins: \(Fixtures.plugins)",
                "pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)", "http: \(http)",
            ] + lines
        let configuration = try Configuration(yaml: all.joined(separator: "\n"), path: "w.yaml")
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let daemon = try await WatchwordDaemon(configuration, logger: logger)
        self.daemon = daemon
        server = try await WebServer(try #require(configuration.http), daemon, limits: limits, logger: logger)
        try await daemon.begin()
        daemon.health.setReady(true)
        scoring = Task { await daemon.run() }
    }

    var port: String { String(server.address.split(separator: ":").last ?? "") }

    func stop() async {
        await daemon.stop()
        await scoring.value
        daemon.outbox.feed.end()
        await server.stop()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Sends a request by curl; returns status, headers and body.
    func curl(_ path: String, _ options: [String] = []) async throws -> (status: Int, headers: String, body: String) {
        let out = try await Program("/usr/bin/curl", ["-sS", "-i", "-m", "60"] + options + [server.address + path])
            .rest()
        // Leave to send a large body comes before the answer.
        let leave = "HTTP/1.1 100 Continue\r\n\r\n"
        let answer = out.hasPrefix(leave) ? String(out.dropFirst(leave.count)) : out
        let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let status = parts[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return (status, parts[0], parts.count > 1 ? parts[1] : "")
    }

    func json(_ path: String, _ options: [String] = []) async throws -> JSONValue {
        try JSONText.parse(Data(try await curl(path, options).body.utf8))
    }

    /// Starts a client script in Debian's Python, or in that of the web tools.
    static func client(_ arguments: [String], tools: Bool = false, input: Bool = false) throws -> Program {
        let script = Fixtures.repository.appending(path: "scripts/clients/web-client.py").path
        return try Program(
            tools ? toolsFolder + "/bin/python" : "/usr/bin/python3", [script] + arguments, hasInput: input)
    }

    static let toolsFolder = Fixtures.repository.appending(path: ".build/web-tools").path

    /// Installs the web tools if they are missing.
    static func makeTools() async throws {
        let script = Fixtures.repository.appending(path: "scripts/setup/web-tools.sh").path
        let said = try await Program("/bin/sh", ["-c", "\(script) && echo made"]).rest()
        try #require(said.hasSuffix("made\n"), "\(said)")
    }

    /// Returns the answer to each request, byte for byte.
    func raw(_ requests: [String]) async throws -> [(answer: String, closed: Bool)] {
        let client = try Self.client(["raw", "127.0.0.1", port], input: true)
        var answers: [(String, Bool)] = []
        for request in requests {
            client.say(String(decoding: try JSONEncoder().encode(request), as: UTF8.self))
            let said = try JSONText.parse(Data(try await client.line().utf8))
            answers.append((said["answer"]?.string ?? "", said["closed"] == .bool(true)))
        }
        return answers
    }
}

/// A sample in a page of metrics.
struct Sample: Decodable {
    let name: String
    let labels: [String: String]
    let value: String
    let type: String
    let help: String

    var number: Double { Double(value) ?? .nan }
}

/// Reads a page as Prometheus does.
func samples(_ page: String) async throws -> [Sample] {
    try await Web.makeTools()
    let file = FileManager.default.temporaryDirectory.appending(path: "metrics-\(UUID())")
    try page.write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    let script = Fixtures.repository.appending(path: "scripts/clients/web-client.py").path
    let parser = try Program(
        "/bin/sh", ["-c", "exec \(Web.toolsFolder)/bin/python \(script) parse < \(file.path)"])
    return try JSONDecoder().decode([Sample].self, from: Data(try await parser.rest().utf8))
}
