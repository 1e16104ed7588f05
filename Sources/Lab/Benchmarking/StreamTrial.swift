import Daemon
import Glibc
import Health
import Measures
import Printing
import SystemSupport
import WatchwordConfiguration

/// Runs the whole daemon with a varying number of cameras, and measures what it achieves and what it costs.
struct StreamTrial {
    private let daemon: WatchwordDaemon
    private let scoring: Task<Void, Never>
    private let server: ClipServer
    private let fps: Double
    private let gate: Double?
    private let warmUp: Double
    private var count = 0

    /// Starts the daemon without streams.
    ///
    /// `fps` is the sampling rate of every stream. `gate` is the least change, in levels, of a block of the picture;
    /// frames with smaller changes reuse the previous embedding.
    init(_ configuration: Configuration, server: ClipServer, fps: Double, gate: Double?) async throws {
        (daemon, scoring) = try await startDaemon(configuration)
        self.server = server
        self.fps = fps
        self.gate = gate
        // Long enough to fill a window, and for three keyframe intervals.
        warmUp = max(Double(daemon.defaults.frames) / fps, 5) + 2
    }

    /// Stops the daemon, and returns when it has ended.
    func end() async {
        await daemon.stop()
        await scoring.value
    }

    /// Adds or removes streams until there are `wanted`.
    ///
    /// It returns when windows are full and every stream is sampled at the full rate.
    mutating func watch(_ wanted: Int) async throws {
        while count > wanted {
            _ = try await daemon.streams.remove("camera-\(count)", forget: false)
            count -= 1
        }
        while count < wanted {
            count += 1
            var stream = StreamConfiguration(name: "camera-\(count)", uri: server.uri, fps: fps)
            stream.gate = gate
            try await daemon.streams.add(stream, keep: false)
            // The pause spreads the cameras' keyframes over the second.
            try await Task.sleep(for: .milliseconds(130))
        }
        try await Task.sleep(for: .seconds(warmUp))
        // After overload, the daemon raises the sampling rate only slowly.
        for _ in 0..<60 where await daemon.streams.status().contains(where: { $0.effectiveFps < fps }) {
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Measures the daemon for `seconds` with its current streams.
    func measure(seconds: Double, _ reporter: ProgressReporter) async throws -> StreamsReport.Result {
        _ = await daemon.measure()
        let (threads, played, began) = (ThreadTimes.now(), server.cpuSeconds, ContinuousClock.now)
        let used = clock()
        for second in stride(from: 0, to: seconds, by: 1) {
            reporter.progress("\(count) streams, \(Int(second)) of \(Int(seconds)) s")
            try await Task.sleep(for: .seconds(min(1, seconds - second)))
        }
        let done = await daemon.measure()
        let cpu = Double(clock() - used) / Double(CLOCKS_PER_SEC)
        let (elapsed, serving) = ((ContinuousClock.now - began) / .seconds(1), server.cpuSeconds - played)
        let stages = stages(done, cpu: cpu, threads: ThreadTimes.now(), before: threads, elapsed * Double(count))
        let status = await daemon.streams.status()
        reporter.clear()
        let cameraSeconds = elapsed * Double(count)
        let (p50, p99) = (done.latency.milliseconds(at: 0.5), done.latency.milliseconds(at: 0.99))
        // At the start and at the end, one frame of each stream may be counted as sampled but not as scored, or the
        // reverse.
        let isComplete = done.dropped == 0 && done.failedBatches == 0 && done.latency.count + count >= done.sampled
        let isFed = Double(done.sampled + count) >= 0.97 * cameraSeconds * fps
        return StreamsReport.Result(
            streams: count, fps: fps, seconds: elapsed, sampled: done.sampled, scored: done.latency.count,
            gated: done.gated, dropped: done.dropped, rescored: done.rescored, undecided: done.undecided, p50_ms: p50,
            p99_ms: p99, cpu_s_per_stream_s: cpu / cameraSeconds, rss_mb: Memory.residentMegabytes,
            peak_rss_mb: Memory.peakMegabytes, by_stage_ms: stages,
            keyframes_only: status.count { $0.decoding == "keyframes" },
            server_cpu_s_per_stream_s: serving / cameraSeconds, carried: isComplete && isFed && p99 < 1000)
    }

    /// Returns the processor time of each stage, in milliseconds per second of each camera's video.
    ///
    /// Computing embeddings gets all time that no other stage accounts for, since oneDNN's helper threads come and go.
    private func stages(
        _ done: WorkTotals, cpu: Double, threads: ThreadTimes, before: ThreadTimes, _ cameraSeconds: Double
    ) -> StreamsReport.Stages {
        let media = threads.since(before, where: ThreadTimes.isMedia)
        let other = threads.since(before, where: ThreadTimes.isOther)
        let receive = max(0, media - done.decodeSeconds - done.scaleSeconds)
        let encode = max(done.encodeSeconds, cpu - media - other - done.scoreSeconds)
        func share(_ seconds: Double) -> Double { (seconds / cameraSeconds * 1e6).rounded() / 1e3 }
        return StreamsReport.Stages(
            receive: share(receive), decode: share(done.decodeSeconds), scale: share(done.scaleSeconds),
            encode: share(encode), score: share(done.scoreSeconds), other: share(other))
    }
}
