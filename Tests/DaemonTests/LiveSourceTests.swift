import Concurrency
import Daemon
import Engine
import Foundation
import Ingest
import Sampling
import StreamSources
import Synchronization
import SystemSupport
import TestSupport
import Testing

/// The states that a stream has gone through.
private final class States: Sendable {
    private let seen = Mutex<[SourceState]>([])
    func add(_ state: SourceState) { seen.withLock { $0.append(state) } }
    var all: [SourceState] { seen.withLock { $0 } }
}

/// Tests whether sources are recognised as live or finite, from their pipelines, whatever their scheme.
@Suite("Sources with an end and without", .serialized)
struct LiveSourceTests {
    let folder: URL
    private let states = States()
    private let queue = FrameQueue()

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "live-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    var words: [String] { states.all.map(\.word) }
    var reasons: [String] { states.all.compactMap(\.reason) }

    func runner(
        _ uri: String, transport: RTSPTransport? = nil, connect: Double = 8, stall: Double = 1, realtime: Bool = false,
        onPicture: @escaping @Sendable (Frame) -> Void = { _ in }
    ) throws -> StreamRunner {
        var limits = StreamSupervision.Limits()
        (limits.connect, limits.stall) = (.seconds(connect), .seconds(stall))
        limits.backoff = Backoff(first: .milliseconds(200), max: .milliseconds(500))
        var description = SourceDescription(uri: uri, fps: 4, side: 32)
        (description.transport, description.realtime) = (transport, realtime)
        return try StreamRunner(
            name: "s", description: description,
            templates: PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines")), queue: queue,
            limits: limits, onPicture: onPicture
        ) { [states] _, state in states.add(state) }
    }

    /// Runs a stream until a condition holds; returns false if it never does.
    func run(_ runner: StreamRunner, until condition: @Sendable () async throws -> Bool) async throws -> Bool {
        let queue = queue
        let taking = Task { while await queue.next(limit: 8, maxDelay: .zero) != nil {} }
        let task = Task { await runner.run() }
        let isSo = try await TestSupport.until(condition)
        task.cancel()
        await task.value
        queue.finish()
        await taking.value
        return isSo
    }

    /// Makes a playlist of the film's first 8 seconds, in segments of two seconds.
    private func playlist(hasEnd: Bool) throws -> URL {
        let file = folder.appending(path: hasEnd ? "film.m3u8" : "camera.m3u8")
        let more = hasEnd ? [] : ["-hls_flags", "omit_endlist"]
        try output(
            of: "ffmpeg",
            ["-loglevel", "error", "-i", Self.lobby, "-t", "8", "-an", "-c:v", "libx264", "-preset", "ultrafast"]
                + ["-g", "25", "-f", "hls", "-hls_time", "2", "-hls_list_size", "0"] + more + [file.path])
        return file
    }

    private static let lobby = Fixtures.videos.appending(path: "lobby.mp4").path

    /// Starts a web server of the folder, whose answers state their length or not.
    private func webServer(hasLength: Bool = true) async throws -> (program: Program, address: String) {
        let program = try Program("/usr/bin/python3", ["-uc", Self.server, folder.path, hasLength ? "length" : "none"])
        return (program, "http://127.0.0.1:\(try await program.line())")
    }

    private static let server = """
        import functools, http.server, os, sys, time
        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_): pass
            def do_HEAD(self):
                with open(os.path.join(sys.argv[1], "heads"), "a") as file: file.write(self.path)
                super().do_HEAD()
            def send_head(self):
                # A segment's header comes late, so that whoever asks for more meanwhile is seen.
                if self.path.endswith(".ts"): time.sleep(0.1)
                return super().send_head()
            def send_header(self, name, value):
                if name != "Content-Length" or sys.argv[2] == "length": super().send_header(name, value)
            def copyfile(self, source, output):
                # What is made as it is sent comes slowly.
                while part := source.read(4096):
                    output.write(part)
                    if sys.argv[2] != "length": time.sleep(0.05)
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Handler, directory=sys.argv[1]))
        print(server.server_port)
        server.serve_forever()
        """

    @Test("a playlist with an end is a film, which may end", arguments: [false, true])
    func endedPlaylist(isRemote: Bool) async throws {
        let file = try playlist(hasEnd: true)
        let server = try await webServer()
        let runner = try runner(isRemote ? "\(server.address)/\(file.lastPathComponent)" : file.path)
        #expect(try await run(runner) { runner.currentState.isFinal })
        #expect(words == ["connecting", "playing", "ended"] && !runner.isLive, "\(words)")
        #expect((30...34).contains(runner.sampledFrames), "\(runner.sampledFrames)")
    }

    @Test("a playlist without an end whose sender has died is stalled, and opened again")
    func deadPlaylist() async throws {
        try await together([false, true]) { try await LiveSourceTests().expectStalls(isRemote: $0) }
    }

    private func expectStalls(isRemote: Bool) async throws {
        let file = try playlist(hasEnd: false)
        let server = try await webServer()
        let runner = try runner(isRemote ? "\(server.address)/\(file.lastPathComponent)" : file.path)
        let sampled = Mutex<UInt64?>(nil)
        let again = try await run(runner) {
            if runner.supervised.stalls == 1, sampled.withLock({ $0 == nil }) {
                let now = runner.sampledFrames
                sampled.withLock { $0 = now }
            }
            return runner.supervised.stalls > 2
        }
        #expect(again && runner.isLive, "\(runner.description.uri): \(words)")
        let round = ["connecting", "playing", "stalled", "backing-off"]
        #expect(Array(words.prefix(8)) == round + round, "\(words)")
        #expect(reasons.first == "nothing has come for 1 s")
        // Its last segments come again at each opening; they have been seen.
        #expect(sampled.withLock { $0 } ?? 0 > 12 && runner.sampledFrames == sampled.withLock { $0 })
        // While a segment is fetched its source must not be asked whether it can be wound back: souphttpsrc 1.22 then
        // sends a HEAD beside the GET, and ends the process.
        #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "heads").path))
    }

    @Test("a film over HTTP that has a length ends")
    func lengths() async throws {
        try output(
            of: "ffmpeg",
            ["-loglevel", "error", "-i", Self.lobby, "-t", "4", "-an", "-c:v", "copy", "-f", "mpegts"]
                + [folder.appending(path: "film.ts").path])
        let film = try await webServer()
        let first = try runner("\(film.address)/film.ts")
        #expect(try await run(first) { first.currentState.isFinal })
        #expect(words == ["connecting", "playing", "ended"] && !first.isLive, "\(words)")
        #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "heads").path))
    }

    @Test("a web server that has no time is left alone for as long as it says")
    func retryAfter() async throws {
        let server = try Program(
            "/usr/bin/python3",
            [
                "-uc",
                """
                import http.server
                class Handler(http.server.BaseHTTPRequestHandler):
                    def log_message(self, *_): pass
                    def do_GET(self):
                        self.send_response(503)
                        for pair in ("Retry-After", "3600"), ("Content-Length", "0"): self.send_header(*pair)
                        self.end_headers()
                server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
                print(server.server_port)
                server.serve_forever()
                """,
            ])
        let runner = try runner("http://127.0.0.1:\(try await server.line())/film.mp4")
        // The stream's own pauses are half a second at most.
        #expect(try await run(runner) { runner.currentState.word == "backing-off" })
        let began = ContinuousClock.now
        let second = try LiveSourceTests().runnerAndStates(runner.description.uri)
        _ = try await second.run { second.runner.supervised.restarts > 0 || .now - began > .seconds(4) }
        #expect(second.runner.supervised.restarts == 0 && second.runner.supervised.failures == 1)
    }

    @Test("a receiver whose sender is silent is stalled: there is no connection that could fail")
    func silence() async throws {
        try await together(["udp://127.0.0.1:PORT", "rist://127.0.0.1:PORT"]) {
            try await LiveSourceTests().expectStall(of: $0)
        }
    }

    private func expectStall(of uri: String) async throws {
        let runner = try runner(uri.replacing("PORT", with: "\(try freePort(SOCK_DGRAM))"), connect: 2)
        #expect(try await run(runner) { runner.supervised.stalls > 0 })
        #expect(words.prefix(3) == ["connecting", "stalled", "backing-off"], "\(words) \(reasons)")
        #expect(reasons.first == "nothing has come within 2 s of connecting")
    }

    /// The pipelines of senders, by the URI at which they are received.
    private static let senders = [
        ("udp://127.0.0.1:PORT", "mpegtsmux ! udpsink host=127.0.0.1 port=PORT"),
        ("rist://127.0.0.1:PORT", "mpegtsmux ! rtpmp2tpay ! ristsink address=127.0.0.1 port=PORT"),
        ("FOLDER/camera.sdp", "rtph264pay config-interval=1 pt=96 ! udpsink host=127.0.0.1 port=PORT"),
        ("sdp://FOLDER/camera.sdp", "rtph264pay config-interval=1 pt=96 ! udpsink host=127.0.0.1 port=PORT"),
    ]

    @Test("what is sent to this machine is played, given up when it stops, and played again")
    func received() async throws {
        try await together(Self.senders) { try await LiveSourceTests().expectReceived(uri: $0.0, sender: $0.1) }
    }

    private func expectReceived(uri: String, sender: String) async throws {
        let port = "\(try freePort(SOCK_DGRAM))"
        let session =
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            + "m=video \(port) RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
        try session.write(to: folder.appending(path: "camera.sdp"), atomically: true, encoding: .utf8)
        let line =
            "exec gst-launch-1.0 -q videotestsrc is-live=true ! video/x-raw,width=128,height=128,framerate=25/1"
            + " ! x264enc tune=zerolatency key-int-max=10 ! h264parse ! " + sender.replacing("PORT", with: port)
        @Sendable func send() throws -> Program { try Program("/bin/sh", ["-c", line]) }
        let runner = try runner(uri.replacing("PORT", with: port).replacing("FOLDER", with: folder.path))
        let sending = Mutex<Program?>(try send())
        let stage = Mutex(0)
        let isDone = try await run(runner) {
            let isPlaying = runner.currentState == .playing
            switch stage.withLock({ $0 }) {
            case 0 where isPlaying && runner.sampledFrames > 8:
                sending.withLock { $0?.kill() }
                stage.withLock { $0 = 1 }
            case 1 where !isPlaying:
                let again = try send()
                sending.withLock { $0 = again }
                stage.withLock { $0 = 2 }
            case 2: return isPlaying
            default: break
            }
            return false
        }
        #expect(isDone, "\(uri): \(words) \(reasons)")
        #expect(words.prefix(2) == ["connecting", "playing"] && runner.isLive, "\(uri): \(words)")
    }

    @Test("RTSP within HTTP is played, and played again after its camera was away")
    func tunnel() async throws {
        let server = try await RTSPServer(["--file", Self.lobby, "--loop"])
        let uri = server.uri.replacing("rtsp://", with: "rtsph://")
        let runner = try runner(uri)
        let second = Mutex<RTSPServer?>(nil)
        let isDone = try await run(runner) {
            guard runner.currentState == .playing else {
                if runner.supervised.restarts > 1, second.withLock({ $0 }) == nil {
                    let again = try await RTSPServer(["--file", Self.lobby, "--loop", "--port", "\(server.port)"])
                    second.withLock { $0 = again }
                }
                return false
            }
            if runner.supervised.restarts == 0, runner.sampledFrames > 8 { server.kill() }
            return second.withLock { $0 } != nil
        }
        #expect(isDone, "\(words) \(reasons)")
    }
}

extension LiveSourceTests {
    /// A second stream, in a test that has two.
    fileprivate struct Second {
        let suite: LiveSourceTests
        let runner: StreamRunner
        var reasons: [String] { suite.reasons }
        func run(until condition: @Sendable () async throws -> Bool) async throws -> Bool {
            try await suite.run(runner, until: condition)
        }
    }

    fileprivate func runnerAndStates(_ uri: String) throws -> Second { Second(suite: self, runner: try runner(uri)) }
}
