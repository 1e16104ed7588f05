import Daemon
import Foundation
import Ingest
import Sampling
import StreamSources
import Synchronization
import SystemSupport
import TestSupport
import Testing

/// A camera that sends MPEG-TS over HTTP without a length (`scripts/servers/http-camera.py`).
private struct HTTPCamera {
    private let program: Program
    private let address: String
    var uri: String { address + "/camera.ts" }

    /// Sends a film of 27 seconds, once.
    init(in folder: URL, _ arguments: [String]) async throws {
        let film = folder.appending(path: "camera.ts")
        _ = try await blocking {
            try output(
                of: "ffmpeg",
                ["-loglevel", "error", "-i", Fixtures.videos.appending(path: "lobby.mp4").path, "-an", "-bf", "0"]
                    + ["-c:v", "libx264", "-preset", "ultrafast", "-g", "12", "-f", "mpegts", film.path])
        }
        let script = Fixtures.repository.appending(path: "scripts/servers/http-camera.py").path
        program = try Program("/usr/bin/python3", [script, film.path] + arguments)
        let ready = try await program.line()
        guard ready.hasPrefix("READY ") else { throw ProgramError(description: "the camera is not ready: \(ready)") }
        address = "http://127.0.0.1:\(ready.dropFirst(6))"
    }

    /// The seconds of the film that have been sent.
    func sent() async throws -> Double {
        let address = address
        let said = try await blocking { try output(of: "curl", ["-sS", "\(address)/sent"]) }
        return Double(String(decoding: said, as: UTF8.self)) ?? -1
    }
}

/// Debian's nginx with its RTMP module, on loopback: publishers come and go while the server runs.
private struct RTMPServer {
    private let program: Program
    let uri: String

    init(in folder: URL) throws {
        let server = Fixtures.repository.appending(path: ".build/rtmp-server/usr")
        let nginx = server.appending(path: "sbin/nginx").path
        guard FileManager.default.isExecutableFile(atPath: nginx) else {
            throw ProgramError(description: "\(nginx): not found; make setup-test brings it")
        }
        let port = try freePort()
        let lines = """
            load_module \(server.path)/lib/nginx/modules/ngx_rtmp_module.so;
            daemon off; master_process off; pid \(folder.path)/pid; error_log stderr warn;
            events {}
            rtmp { access_log off; server { listen 127.0.0.1:\(port); application live { live on; } } }
            """
        let file = folder.appending(path: "nginx.conf")
        try lines.write(to: file, atomically: true, encoding: .utf8)
        program = try Program(nginx, ["-c", file.path, "-p", folder.path])
        uri = "rtmp://127.0.0.1:\(port)/live/camera"
    }
}

/// Tests with real programs as senders, whose streams need no `realtime`.
extension LiveSourceTests {
    private static let encoder =
        "videotestsrc is-live=true ! video/x-raw,width=128,height=128,framerate=25/1"
        + " ! x264enc tune=zerolatency key-int-max=10 ! h264parse"

    /// Plays a stream whose sender dies, and returns after the stream has stopped playing.
    private func playsAgain(
        _ uri: String, sender: String, connect: Double = 3, stall: Double = 2
    ) async throws -> (isDone: Bool, runner: StreamRunner) {
        @Sendable func send() throws -> Program {
            try Program("/bin/sh", ["-c", "exec gst-launch-1.0 -q \(Self.encoder) ! \(sender)"])
        }
        let runner = try runner(uri, connect: connect, stall: stall)
        let sending = Mutex<Program?>(try send())
        let stage = Mutex(0)
        let before = Mutex<UInt64>(0)
        let isDone = try await run(runner) {
            let isPlaying = runner.currentState == .playing
            switch stage.withLock({ $0 }) {
            case 0 where isPlaying && runner.sampledFrames > 8:
                sending.withLock { $0?.kill() }
                stage.withLock { $0 = 1 }
            case 1 where !isPlaying:
                before.withLock { $0 = runner.sampledFrames }
                let again = try send()
                sending.withLock { $0 = again }
                stage.withLock { $0 = 2 }
            case 2: return isPlaying && runner.sampledFrames > before.withLock({ $0 }) + 8
            default: break
            }
            return false
        }
        return (isDone, runner)
    }

    @Test("an SRT stream whose sender dies and comes back is played again")
    func srt() async throws {
        try await together(["listener", "caller"]) { try await LiveSourceTests().expectSRTAgain(mode: $0) }
    }

    private func expectSRTAgain(mode: String) async throws {
        let port = try freePort(SOCK_DGRAM)
        // The sender is a server that is called, or calls the stream, which listens.
        let isServer = mode == "listener"
        let target = isServer ? "srt://:\(port)?mode=listener" : "srt://127.0.0.1:\(port)?mode=caller"
        let uri = isServer ? "srt://127.0.0.1:\(port)" : "srt://:\(port)?mode=listener"
        let (isDone, runner) = try await playsAgain(
            uri, sender: "mpegtsmux alignment=7 ! srtsink uri=\"\(target)\" wait-for-connection=false")
        #expect(isDone, "\(mode): \(words) \(reasons)")
        #expect(runner.isLive && !runner.description.realtime)
        #expect(words.contains("playing") && !words.contains("ended") && !words.contains("failed"), "\(words)")
    }

    @Test("an RTMP stream whose publisher dies and comes back is played again, from a server that stays")
    func rtmp() async throws {
        let server = try RTMPServer(in: folder)
        // Without sound it plays after six seconds, for which GStreamer's demuxer waits for sound.
        let (isDone, runner) = try await playsAgain(
            server.uri, sender: "flvmux streamable=true ! rtmp2sink location=\(server.uri)", connect: 12, stall: 10)
        #expect(isDone, "\(words) \(reasons)")
        #expect(runner.isLive && !runner.description.realtime)
        #expect(words.contains("playing") && !words.contains("ended") && !words.contains("failed"), "\(words)")
    }

    @Test("a stream over HTTP without a length that ends is opened again")
    func withoutLength() async throws {
        try await together(["close", "chunked"]) { try await LiveSourceTests().expectOpenedAgain(way: $0) }
    }

    private func expectOpenedAgain(way: String) async throws {
        let camera = try await HTTPCamera(in: folder, ["--way", way, "--seconds", "3"])
        let runner = try runner(camera.uri)
        let isDone = try await run(runner) { runner.currentState.isFinal || runner.supervised.restarts > 1 }
        #expect(isDone && runner.isLive, "\(way): \(words)")
        let round = ["connecting", "playing", "backing-off"]
        #expect(Array(words.prefix(6)) == round + round, "\(words) \(reasons)")
        #expect(reasons.allSatisfy { $0 == "the source ended" }, "\(reasons)")
        // What the second answer shows continues the first.
        #expect(runner.sampledFrames > 16, "\(runner.sampledFrames)")
    }

    @Test("a stream whose sender's clock is fast does not fall behind it, whether or not it is played in real time")
    func fastSender() async throws {
        try await together([false, true]) { try await LiveSourceTests().expectNear(realtime: $0) }
    }

    private func expectNear(realtime: Bool) async throws {
        let camera = try await HTTPCamera(in: folder, ["--speed", "1.5"])
        let seen = Mutex<(first: Double?, last: Double)>((nil, 0))
        let runner = try runner(camera.uri, realtime: realtime) { frame in
            seen.withLock { $0 = ($0.first ?? frame.mediaTime, frame.mediaTime) }
        }
        let behind = Mutex<[Double]>([])
        // A player that goes by its own clock would be five seconds behind by then, and fall further behind.
        let isNear = try await run(runner) {
            let sent = try await camera.sent()
            let lag = seen.withLock { sent - ($0.last - ($0.first ?? 0)) }
            behind.withLock { $0.append(lag) }
            return sent > 15 && lag < 2
        }
        #expect(isNear, "realtime \(realtime): \(behind.withLock { $0.suffix(5) })")
        #expect(runner.isLive && runner.lag < 2, "\(runner.lag)")
    }
}
