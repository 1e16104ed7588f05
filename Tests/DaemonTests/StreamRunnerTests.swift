import Concurrency
import Daemon
import Engine
import Foundation
import Ingest
import StreamSources
import Synchronization
import SystemSupport
import TestSupport
import Testing

/// The number of restarts of a stream: 200 in `make test`, or `WATCHWORD_RESTARTS`.
private let restarts = ProcessInfo.processInfo.environment["WATCHWORD_RESTARTS"].flatMap { UInt64($0) } ?? 200

/// The states that a stream has gone through.
private final class States: Sendable {
    private let seen = Mutex<[SourceState]>([])
    func add(_ state: SourceState) { seen.withLock { $0.append(state) } }
    var all: [SourceState] { seen.withLock { $0 } }
    var words: [String] { all.map(\.word) }
}

/// A server of raw video, 16x16 at 25 frames a second.
///
/// It handles each connection by the next of its modes, and further ones by the last mode. It prints `closed` when a
/// connection is closed while it still sends.
private final class RawServer: Sendable {
    let port: String
    private let program: Program

    init(_ mode: String) async throws {
        program = try Program(
            "/usr/bin/python3",
            [
                "-uc",
                """
                import socket, sys, threading, time
                server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen(50); print(server.getsockname()[1])
                kept = []
                def serve(client, mode):
                    if mode == "silent": return
                    for n in range(10**9 if mode == "plays" else 5):
                        try: client.sendall(bytes([n % 200]) * 384)
                        except OSError:
                            print("closed")
                            return
                        time.sleep(0.02)
                    if mode == "ends": client.close()
                count = 0
                while True:
                    client, _ = server.accept(); kept.append(client)
                    modes = sys.argv[1].split(",")
                    threading.Thread(target=serve, args=(client, modes[min(count, len(modes) - 1)]), daemon=True).start()
                    count += 1
                """, mode,
            ])
        port = try await program.line()
    }

    /// Waits until a connection is closed.
    func isClosed() async throws -> Bool { try await program.line() == "closed" }

    var launch: String {
        """
        tcpclientsrc host=127.0.0.1 port=\(port)
        ! rawvideoparse width=16 height=16 format=i420 framerate=25/1 ! videoconvert name=convert ! appsink name=frames
        """
    }
}

@Suite("A stream's runner", .serialized)
struct StreamRunnerTests {
    private let states = States()
    private let queue = FrameQueue()

    /// Limits that a busy machine does not reach, for tests that are not about limits.
    private func limits(
        connect: Double = 60, stall: Double = 60, pause: Double = 0.01
    ) -> StreamSupervision.Limits {
        var limits = StreamSupervision.Limits()
        (limits.connect, limits.stall) = (.seconds(connect), .seconds(stall))
        limits.backoff = Backoff(first: .seconds(pause), max: .seconds(pause))
        return limits
    }

    private func runner(
        _ launch: String, name: String = "s", limits: StreamSupervision.Limits, stopLimit: Duration = .seconds(2)
    ) throws -> StreamRunner {
        let description = SourceDescription(
            uri: "custom", fps: 25, decode: .all, realtime: true, side: 32, launch: launch)
        let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
        return try StreamRunner(
            name: name, description: description, templates: templates, queue: queue, limits: limits,
            stopLimit: stopLimit
        ) { [states] _, state in states.add(state) }
    }

    @Test("a server that accepts and sends nothing, then plays, is played")
    func silentThenPlays() async throws {
        let server = try await RawServer("silent,silent,plays")
        let runner = try runner(server.launch, limits: limits(connect: 1))
        let task = Task { await runner.run() }
        #expect(try await until { runner.currentState == .playing && runner.sampledFrames > 5 })
        #expect(
            states.words == Array(repeating: ["connecting", "stalled", "backing-off"], count: 2).joined() + [
                "connecting", "playing",
            ])
        #expect(states.all[1].reason == "nothing has come within 1 s of connecting")
        #expect(runner.supervised.stalls == 2 && runner.supervised.restarts == 2 && runner.supervised.failures == 0)
        task.cancel()
        await task.value
        #expect(runner.abandonedPipelines == 0)
    }

    @Test("a server that stops sending without a word is stalled, and played again when it does")
    func stallsThenPlays() async throws {
        let server = try await RawServer("stalls,ends,plays")
        let runner = try runner(server.launch, limits: limits(stall: 1))
        let task = Task { await runner.run() }
        #expect(try await until { runner.supervised.restarts == 2 && runner.currentState == .playing })
        let round = ["connecting", "playing"]
        #expect(states.words == round + ["stalled", "backing-off"] + round + ["backing-off"] + round)
        #expect(states.all[2] == .stalled("nothing has come for 1 s"))
        #expect(runner.supervised.stalls == 1 && runner.supervised.failures == 1)
        #expect(runner.supervised.changes + 1 == UInt64(states.all.count))
        task.cancel()
        await task.value
    }

    @Test("a source that hangs while it is opened is left behind, at most three times, and disturbs no other stream")
    func hangs() async throws {
        let pipe = FileManager.default.temporaryDirectory.appending(path: "fifo-\(UUID())").path
        #expect(mkfifo(pipe, 0o600) == 0)
        let server = try await RawServer("plays")
        let healthy = try runner(server.launch, name: "healthy", limits: limits())
        let hanging = try runner(
            "filesrc location=\(pipe) ! rawvideoparse width=16 height=16 ! videoconvert name=convert ! appsink name=frames",
            limits: limits(connect: 0.1), stopLimit: .milliseconds(100))
        let tasks = [Task { await healthy.run() }, Task { await hanging.run() }]
        #expect(try await until { hanging.abandonedPipelines == 3 && hanging.currentState.word == "backing-off" })
        // Nothing is opened any more, and the other stream plays on.
        let (restarts, sampled) = (hanging.supervised.restarts, healthy.sampledFrames)
        #expect(try await until { healthy.sampledFrames > sampled + 30 })
        #expect(restarts == 2 && hanging.supervised.restarts == 2 && hanging.supervised.stalls == 3)
        #expect(healthy.currentState == .playing && healthy.supervised.restarts == 0)
        // Writers let those go that hang; then it is tried again.
        #expect(
            try await until {
                close(open(pipe, O_WRONLY | O_NONBLOCK))
                return hanging.supervised.restarts > 2
            })
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        // Whoever hangs now is let go.
        #expect(try await until { close(open(pipe, O_WRONLY | O_NONBLOCK)) != 0 })
    }

    @Test("a pipeline that will not stop is not waited for, and its frames come to nobody")
    func willNotStop() async throws {
        let server = try await RawServer("plays")
        let sleepy = server.launch.replacing("! videoconvert", with: "! identity sleep-time=1500000 ! videoconvert")
        let runner = try runner(sleepy, limits: limits(), stopLimit: .milliseconds(50))
        let task = Task { await runner.run() }
        #expect(try await until { runner.sampledFrames > 0 })
        task.cancel()
        await task.value
        let sampled = runner.sampledFrames
        #expect(runner.abandonedPipelines == 1)
        // Its source closes the connection when the frame that it slept over has gone on to the sink.
        #expect(try await server.isClosed())
        #expect(runner.sampledFrames == sampled)
    }

    @Test(
        "restarts leave nothing behind: no memory, no threads, no files",
        arguments: [
            """
            videotestsrc num-buffers=3 ! video/x-raw,format=I420,width=64,height=64,framerate=1000/1
            ! videoconvert name=convert ! appsink name=frames
            """,
            "rtspsrc location=rtsp://127.0.0.1:1/x ! decodebin ! videoconvert name=convert ! appsink name=frames",
        ])
    func leaksNothing(_ launch: String) async throws {
        // As the daemon does: else each of many threads that come and go fills an arena of its own.
        Memory.keepSmall()
        let runner = try runner(launch, limits: limits(pause: 0.001))
        let queue = queue
        // What was sampled is taken, as the engine does.
        let taking = Task { while await queue.next(limit: 8, maxDelay: .zero) != nil {} }
        let task = Task { await runner.run() }
        #expect(try await until { runner.supervised.restarts >= 50 })
        let (memory, threads, files) = (Memory.residentMegabytes, Memory.threads, Memory.openFiles)
        #expect(try await until(deadline: .seconds(3600)) { runner.supervised.restarts >= 50 + restarts })
        let grown = Memory.residentMegabytes - memory
        print(
            "\(restarts) restarts: \(grown) MB more, threads \(threads) and \(Memory.threads), files \(files) and \(Memory.openFiles)"
        )
        #expect(grown < (restarts < 1000 ? 3 : 10))
        task.cancel()
        await task.value
        queue.finish()
        await taking.value
        // Threads that come and go are the cooperative pool's and Dispatch's.
        #expect(Memory.threads <= threads + 4 && Memory.openFiles <= files + 2)
        #expect(runner.abandonedPipelines == 0 && runner.supervised.failures >= restarts)
    }
}
