import Daemon
import Foundation
package import Printing
import SystemSupport
package import Tensors
import WatchwordConfiguration

/// Measures memory and processor time of the whole daemon over several minutes.
package struct MemoryBenchmark: Sendable {
    /// The results of the benchmark: counters of frames, and memory in megabytes.
    package struct Report: Encodable, Sendable {
        package let streams: Int
        package let fps: Double
        package let seconds: Int
        package let sampled: UInt64
        package let scored: Int
        package let dropped: UInt64
        package let cpu_s_per_stream_s: Double
        package let rss_mb: Double
        package let rss_mb_at_start: Double
    }

    /// The path of a video file, or the URI of a live source.
    package let uri: String
    package let streams: Int
    /// The duration of the measurement, in seconds.
    package let seconds: Int
    /// The time before the measurement, in seconds, in which caches and the allocator's arenas fill.
    package let warmUp: Int
    /// The number of frames sampled per second; nil means the model's default.
    package let fps: Double?
    package let model: String
    package let precision: Precision

    package init(
        uri: String, streams: Int, seconds: Int, warmUp: Int, fps: Double?, model: String, precision: Precision
    ) {
        (self.uri, self.streams, self.seconds, self.warmUp) = (uri, streams, seconds, warmUp)
        (self.fps, self.model, self.precision) = (fps, model, precision)
    }

    /// Plays the source in a loop on all streams, and measures memory and processor time.
    package func run(_ reporter: ProgressReporter) async throws -> Report {
        try await withDaemon(streams: (1...max(1, streams)).map { stream("bench-\($0)") }) { daemon in
            try await Task.sleep(for: .seconds(warmUp))
            let start = try await daemon.status().rssMB
            let cpu = clock()
            for second in 0..<seconds {
                try await Task.sleep(for: .seconds(1))
                reporter.progress(
                    "\(second + 1) of \(seconds) s, \(String(format: "%.1f", Memory.residentMegabytes)) MB")
            }
            reporter.clear()
            let used = Double(clock() - cpu) / Double(CLOCKS_PER_SEC)
            let status = try await daemon.status()
            return Report(
                streams: streams, fps: fps ?? daemon.defaults.fps, seconds: seconds,
                sampled: status.streams.reduce(0) { $0 + $1.sampled }, scored: status.scored,
                dropped: status.streams.reduce(0) { $0 + $1.dropped },
                cpu_s_per_stream_s: used / Double(seconds * streams), rss_mb: status.rssMB, rss_mb_at_start: start)
        }
    }

    /// Measures how memory grows over `restarts` restarts of one stream.
    package func run(restarts: Int, _ reporter: ProgressReporter) async throws -> RestartReport {
        try await withDaemon(streams: []) { daemon in
            try await RestartGrowth(daemon: daemon, stream: stream("bench"), restarts: max(1, restarts)).run(reporter)
        }
    }

    /// Starts a daemon with four queries and its files in a temporary folder, and runs `body` with it.
    private func withDaemon<T>(
        streams: [StreamConfiguration], _ body: (WatchwordDaemon) async throws -> T
    ) async throws -> T {
        Memory.keepSmall()
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        var configuration = Configuration()
        (configuration.model, configuration.precision) = (model, precision)
        configuration.publish = "ipc://\(folder.path)/events.sock"
        configuration.control = "ipc://\(folder.path)/control.sock"
        configuration.journal = folder.appending(path: "journal.sqlite").path
        configuration.streams = streams
        configuration.queries = [
            "something moves to the left", "something appears", "an empty scene", "a red circle",
        ].map { QueryConfiguration(text: $0, threshold: 0.2) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let (daemon, scoring) = try await startDaemon(configuration)
        let result = try await body(daemon)
        await daemon.stop()
        await scoring.value
        return result
    }

    private func stream(_ name: String) -> StreamConfiguration {
        let path = uri.contains("://") ? uri : URL(filePath: uri).standardizedFileURL.path
        return StreamConfiguration(name: name, uri: path, fps: fps, realtime: true, loop: true)
    }
}
