import Engine
import Foundation
import Logging
import Matching
import Messaging
import SystemSupport
import WatchwordConfiguration

/// The whole daemon with a thousand queries and as many cameras as it is told to watch: what it does, and what that
/// costs.
struct StreamTrial {
    /// One line of the report: what so many streams came to.
    struct Result: Encodable {
        let streams: Int
        let fps: Double
        let seconds: Double
        let sampled: Int
        /// Frames that were scored against all queries, and those of them that kept the last embedding.
        let scored: Int
        let gated: Int
        let dropped: Int
        /// Windows of int8 that were scored again in float32, and those in doubt that were not.
        let rescored: Int
        let undecided: Int
        let p50_ms: Int
        let p99_ms: Int
        let cpu_s_per_stream_s: Double
        let rss_mb: Double
        let peak_rss_mb: Double
        /// Processor milliseconds a camera-second.
        let by_stage_ms: Stages
        /// Streams of which keyframes alone were decoded.
        let keyframes_only: Int
        /// Processor seconds a camera-second of the process that plays the cameras.
        let server_cpu_s_per_stream_s: Double
        /// Whether every sampled frame was scored, 99 of 100 within a second.
        let carried: Bool
    }

    struct Stages: Encodable {
        /// Sockets, packets, the parser: what else GStreamer's threads do.
        let receive: Double
        let decode: Double
        let scale: Double
        /// With all threads that help in its products, and what the outbox writes.
        let encode: Double
        let score: Double
        let other: Double
    }

    private let tower: Watchtower
    private let scoring: Task<Void, Never>
    private let server: ClipServer
    private let fps: Double
    private let gate: Double?
    private let warmUp: Double
    private var count = 0

    init(_ configuration: Configuration, server: ClipServer, fps: Double, gate: Double?) async throws {
        var logger = Logger(label: "bench")
        logger.logLevel = .error
        let tower = try await Watchtower(configuration, logger: logger)
        try await tower.begin()
        self.tower = tower
        scoring = Task { await tower.run() }
        self.server = server
        self.fps = fps
        self.gate = gate
        // Until windows are full, and three intervals of keyframes have been seen.
        warmUp = max(Double(tower.defaults.frames) / fps, 5) + 2
    }

    func end() async {
        await tower.stop()
        await scoring.value
    }

    /// Watches so many streams from now on, and lets them settle.
    mutating func watch(_ wanted: Int) async throws {
        while count > wanted {
            _ = try await tower.streams.remove("camera-\(count)", forget: false)
            count -= 1
        }
        while count < wanted {
            count += 1
            var stream = StreamConfiguration(name: "camera-\(count)", uri: server.uri, fps: fps)
            stream.gate = gate
            try await tower.streams.add(stream, keep: false)
            // Cameras are not in step: this spreads their keyframes over the second.
            try await Task.sleep(for: .milliseconds(130))
        }
        try await Task.sleep(for: .seconds(warmUp))
        // After too many the rate comes back slowly.
        for _ in 0..<60 where await tower.streams.status().contains(where: { $0.effectiveFps < fps }) {
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Measures the streams that are watched.
    func measure(seconds: Double) async throws -> Result {
        _ = await tower.measure()
        let (threads, played, began) = (ThreadTimes.now(), server.cpuSeconds, ContinuousClock.now)
        let used = clock()
        for second in stride(from: 0, to: seconds, by: 1) {
            Terminal.progress("\(count) streams, \(Int(second)) of \(Int(seconds)) s")
            try await Task.sleep(for: .seconds(min(1, seconds - second)))
        }
        let done = await tower.measure()
        let cpu = Double(clock() - used) / Double(CLOCKS_PER_SEC)
        let (elapsed, serving) = ((ContinuousClock.now - began) / .seconds(1), server.cpuSeconds - played)
        let after = ThreadTimes.now()
        let media = after.since(threads, where: ThreadTimes.isMedia)
        let other = after.since(threads, where: ThreadTimes.isOther)
        let status = await tower.streams.status()
        Terminal.progress("")
        let cameraSeconds = elapsed * Double(count)
        let receive = max(0, media - done.decodeSeconds - done.scaleSeconds)
        // What is left: threads that help in products come and go with oneDNN's pools.
        let encode = max(done.encodeSeconds, cpu - media - other - done.scoreSeconds)
        func share(_ seconds: Double) -> Double { (seconds / cameraSeconds * 1e6).rounded() / 1e3 }
        let (p50, p99) = (done.latency.milliseconds(at: 0.5), done.latency.milliseconds(at: 0.99))
        // Frames on their way at the start or the end may count on one side only: one a stream.
        let isComplete = done.dropped == 0 && done.failedBatches == 0 && done.latency.count + count >= done.sampled
        let isFed = Double(done.sampled + count) >= 0.97 * cameraSeconds * fps
        return Result(
            streams: count, fps: fps, seconds: elapsed, sampled: done.sampled, scored: done.latency.count,
            gated: done.gated, dropped: done.dropped, rescored: done.rescored, undecided: done.undecided, p50_ms: p50,
            p99_ms: p99,
            cpu_s_per_stream_s: cpu / cameraSeconds,
            rss_mb: Memory.residentMegabytes, peak_rss_mb: Memory.peakMegabytes,
            by_stage_ms: Stages(
                receive: share(receive), decode: share(done.decodeSeconds), scale: share(done.scaleSeconds),
                encode: share(encode), score: share(done.scoreSeconds), other: share(other)),
            keyframes_only: status.count { $0.decoding == "keyframes" },
            server_cpu_s_per_stream_s: serving / cameraSeconds, carried: isComplete && isFed && p99 < 1000)
    }
}
