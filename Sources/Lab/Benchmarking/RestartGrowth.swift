import Daemon
import Foundation
import Printing
import StreamSources
import SystemSupport
import WatchwordConfiguration

/// Restarts a stream repeatedly, and measures the growth of memory, threads and file descriptors.
///
/// The stream is restarted as soon as its source has given a frame or has failed. Everything of the stream is created
/// anew, while the daemon continues.
struct RestartGrowth {
    let daemon: WatchwordDaemon
    let stream: StreamConfiguration
    let restarts: Int

    /// The number of measurements taken during a run.
    private static let samples = 20

    func run(_ reporter: ProgressReporter) async throws -> RestartReport {
        let began = ContinuousClock.now
        var (samples, played, abandoned): ([RestartReport.Sample], Int, UInt64) = ([], 0, 0)
        let step = max(1, restarts / Self.samples)
        for number in 0..<restarts {
            var other = stream
            // A changed label makes the daemon replace the stream.
            other.labels = ["restart-\(number % 2)"]
            _ = try await daemon.streams.add(other, keep: false)
            guard let runner = await daemon.streams.running.first(where: { $0.name == other.name }) else { continue }
            while runner.sampledFrames == 0, runner.supervised.failures + runner.supervised.stalls == 0 {
                try await Task.sleep(for: .milliseconds(2))
            }
            if runner.sampledFrames > 0 { played += 1 }
            abandoned += runner.abandonedPipelines
            if (number + 1) % step == 0 {
                samples.append(.now(number + 1))
                reporter.progress(
                    "\(number + 1) of \(restarts), \(String(format: "%.1f", Memory.residentMegabytes)) MB")
            }
        }
        reporter.clear()
        return RestartReport(
            restarts: restarts, seconds: (ContinuousClock.now - began) / .seconds(1), played: played,
            abandoned: abandoned, samples: samples)
    }
}

extension RestartReport.Sample {
    /// Measures memory, threads and open files of this process after `restarts` restarts.
    fileprivate static func now(_ restarts: Int) -> Self {
        Self(restarts: restarts, rss_mb: Memory.residentMegabytes, threads: Memory.threads, files: Memory.openFiles)
    }
}
