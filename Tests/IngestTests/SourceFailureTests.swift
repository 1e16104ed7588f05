import Foundation
import Ingest
import StreamSources
import TestSupport
import Testing

@Suite("Why a source fails", .serialized)
struct SourceFailureTests {
    /// The error of a source that fails.
    private func failure(_ uri: String, credentials: String? = nil) async throws -> String {
        let (events, continuation) = AsyncStream<SourceEvent>.makeStream()
        let source = try VideoSource(
            SourceDescription(uri: uri, fps: 4, side: 64, credentials: credentials),
            templates: PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines")),
            onFrame: { _ in }, onEvent: { continuation.yield($0) })
        do {
            try await blocking { try source.start() }
        } catch let error as SourceError {
            return error.description
        }
        var why = ""
        for await event in events {
            if case .failed(let said) = event { why = said }
            if case .failed = event { break }
        }
        try await blocking { source.stop() }
        return why
    }

    @Test("a server that gives no stream is told from others, with what to do")
    func servers() async throws {
        let servers = try await WrongServers()
        let cases = [
            ("closed", "rtsp://127.0.0.1:PORT/x", ["refuses the connection", "check the port"]),
            ("closed", "http://127.0.0.1:PORT/x", ["refuses the connection", "check the port"]),
            ("closed", "rtsp://camera.invalid:PORT/x", ["camera.invalid", "cannot be resolved", "name server"]),
            ("closed", "https://camera.invalid/x", ["camera.invalid", "cannot be resolved"]),
            ("silent", "rtsp://127.0.0.1:PORT/x", ["does not answer", "timed out", "port"]),
            ("closing", "rtsp://127.0.0.1:PORT/x", ["closes the connection", "rtsps://"]),
            ("closing", "http://127.0.0.1:PORT/x", ["gives no HTTP answer"]),
            ("ssh", "rtsp://127.0.0.1:PORT/x", ["does not speak RTSP"]),
            ("page", "http://127.0.0.1:PORT/x", ["no video"]),
            ("ssh", "https://127.0.0.1:PORT/x", ["does not speak TLS", "http://"]),
            ("silent", "https://127.0.0.1:PORT/x", ["does not speak TLS"]),
            ("closed", "rtmp://127.0.0.1:PORT/live/x", ["refuses the connection", "check the port"]),
            ("closing", "rtsps://127.0.0.1:PORT/x", ["does not speak TLS", "rtsp://"]),
            ("tls", "rtsps://127.0.0.1:PORT/x", ["certificate", "not trusted", "signed by itself"]),
            ("tls", "https://localhost:PORT/x", ["certificate", "not trusted", "update-ca-certificates"]),
            ("rtsp-403", "rtsp://127.0.0.1:PORT/x", ["forbids", "403 Forbidden"]),
            ("rtsp-404", "rtsp://127.0.0.1:PORT/x", ["no such stream", "404 Not Found", "path"]),
            ("rtsp-453", "rtsp://127.0.0.1:PORT/x", ["no more clients", "453"]),
            ("rtsp-500", "rtsp://127.0.0.1:PORT/x", ["error of its own", "500"]),
            ("http-401", "http://127.0.0.1:PORT/x", ["wants a user and a password", "401", "--credentials"]),
            ("http-401", "http://me:wrong@127.0.0.1:PORT/x", ["refuses the user or the password", "401"]),
            ("http-403", "http://127.0.0.1:PORT/x", ["forbids", "403"]),
            ("http-404", "http://127.0.0.1:PORT/x", ["no such stream", "404", "path"]),
            ("http-500", "http://127.0.0.1:PORT/x", ["error of its own", "500"]),
            ("http-503", "http://127.0.0.1:PORT/x", ["no more clients", "503"]),
        ]
        // All at once: some are given up only when they have been waited for.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (server, uri, parts) in cases {
                group.addTask {
                    let said = try await failure(servers.uri(uri, of: server))
                    for part in parts { #expect(said.contains(part), "\(server) \(uri): \(said)") }
                    #expect(!said.contains("Could not open resource") && !said.contains("wrong"), "\(said)")
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("a server is asked anew after the time limit of the last time is over")
    func probes() async throws {
        let servers = try await WrongServers()
        let uri = servers.uri("http://127.0.0.1:PORT/x", of: "silent")
        let probe = ConnectionProbe(limit: 1)
        let first = try await blocking { ServerAddress(uri).map { probe.run($0) } }
        try await Task.sleep(for: .seconds(1.5))
        let second = try await blocking { ServerAddress(uri).map { probe.run($0) } }
        #expect(first == .connected && second == .connected)
    }

    @Test("of a reason that a server gives at length, the beginning is told", arguments: ["x", "x.jpg"])
    func longReason(_ path: String) async throws {
        let servers = try await WrongServers()
        let said = try await failure(servers.uri("http://127.0.0.1:PORT/\(path)", of: "http-502"))
        #expect(said.contains("error of its own (502 xxx") && said.utf8.count < 1100, "\(said.utf8.count)")
    }

    @Test("a camera that wants a password says so, and one that refuses it, and one whose path is wrong")
    func camera() async throws {
        let film = Fixtures.videos.appending(path: "lobby.mp4").path
        let server = try await RTSPServer(["--file", film, "--user", "me:right"])
        let wanted = try await failure(server.uri)
        #expect(wanted.contains("wants a user and a password (401 Unauthorized)"), "\(wanted)")
        let refused = try await failure(server.uri.replacing("://", with: "://me:wrong@"))
        #expect(refused.contains("refuses the user or the password (401 Unauthorized)"), "\(refused)")
        let file = FileManager.default.temporaryDirectory.appending(path: "credentials-\(UUID())").path
        try Data("me:right\n".utf8).write(to: URL(filePath: file))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        let path = try await failure(server.uri.replacing("/clip", with: "/nothing"), credentials: file)
        #expect(path.contains("no such stream (404 Not Found)"), "\(path)")
    }

    @Test("devices and files that are none are told apart")
    func local() async throws {
        #expect(try await failure("v4l2:///dev/video97").contains("there is no such device"))
        #expect(try await failure("v4l2:///dev/null").contains("it is no camera"))
        let text = FileManager.default.temporaryDirectory.appending(path: "text-\(UUID()).mp4")
        try Data(String(repeating: "no video\n", count: 200).utf8).write(to: text)
        #expect(try await failure(text.path).contains("no video"))
    }

    @Test(
        "a server's name and port are found in any URI",
        arguments: [
            ("rtsp://camera/x", "camera:554"), ("rtsps://camera/x", "camera:322"),
            ("http://camera:8080", "camera:8080"),
            ("https://me:p@ss@camera/x?a=b@c", "camera:443"), ("rtsp://[::1]:8554/x", "[::1]:8554"),
            ("rtsp://[fe80::1]/x", "[fe80::1]:554"), ("RTSP://camera:70000/x", "camera:554"),
        ])
    func addresses(_ uri: String, _ place: String) { #expect(ServerAddress(uri)?.description == place) }

    @Test(
        "other URIs have no server that could be asked",
        arguments: ["/a.mp4", "file:///a", "v4l2:///dev/video0", "rtsp://"])
    func noAddress(_ uri: String) { #expect(ServerAddress(uri) == nil) }

    @Test("what it says is kept from a name server and a network that do not answer")
    func network() {
        let source = SourceFailure(uri: "rtsp://camera:99/x", hasCredentials: false, wasHeard: false)
        let report = SourceReport(
            .resource, 7, "Could not open resource", debug: "x\nFailed to connect. (Generic error)")
        func said(_ outcome: ConnectionProbe.Outcome) -> String { source.sentence(report) { _ in outcome } }
        #expect(said(.noNameServer).contains("no name server answers"))
        #expect(said(.timedOut).contains("camera:99 does not answer: the connection timed out"))
        #expect(said(.unreachable).contains("no route"))
        #expect(said(.connected).contains("it can be now"))
        #expect(said(.notConnected).contains("Could not open resource"))
    }

    @Test("a server that ends a film early and sends no parts of files is not said to refuse the request")
    func brokenOff() {
        let source = SourceFailure(uri: "http://camera:99/x.mp4", hasCredentials: false, wasHeard: true)
        let report = SourceReport(.resource, 11, "Server does not support seeking.", debug: "x", status: 200)
        let said = source.sentence(report) { _ in .connected }
        #expect(said.contains("camera:99 ended the film early") && !said.contains("refuses"), "\(said)")
    }
}
