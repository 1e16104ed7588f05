import ArgumentParser
import Engine
import Foundation
import Ingest
import Logging
import SystemSupport
import WatchwordConfiguration

/// What restarting a stream again and again leaves behind: memory, threads, file descriptors.
///
/// The stream is replaced as soon as its source has given a frame, or has failed: everything of it is made anew, while
/// the daemon around it goes on.
struct RestartGrowth {
    struct Sample: Encodable {
        let restarts: Int
        let rss_mb: Double
        let threads: Int
        let files: Int

        static func now(_ restarts: Int) -> Sample {
            Sample(
                restarts: restarts, rss_mb: Memory.residentMegabytes, threads: Memory.threads, files: Memory.openFiles)
        }
    }

    struct Result: Encodable {
        let restarts: Int
        let seconds: Double
        /// Those after which a frame had come.
        let played: Int
        let abandoned: UInt64
        /// Least squares over the samples after the first tenth.
        let mb_per_1000_restarts: Double
        let samples: [Sample]
    }

    let tower: Watchtower
    let stream: StreamConfiguration
    let restarts: Int

    func run() async throws -> Result {
        let began = ContinuousClock.now
        var (samples, played, abandoned): ([Sample], Int, UInt64) = ([], 0, 0)
        let step = max(1, restarts / 20)
        for number in 0..<restarts {
            var other = stream
            // Another description each time, so that it is another stream.
            other.labels = ["restart-\(number % 2)"]
            _ = try await tower.streams.add(other, keep: false)
            guard let runner = await tower.streams.running.first(where: { $0.name == other.name }) else { continue }
            while runner.sampledFrames == 0, runner.supervised.failures + runner.supervised.stalls == 0 {
                try await Task.sleep(for: .milliseconds(2))
            }
            if runner.sampledFrames > 0 { played += 1 }
            abandoned += runner.abandonedPipelines
            if (number + 1) % step == 0 {
                samples.append(.now(number + 1))
                Terminal.progress(
                    "\(number + 1) of \(restarts), \(String(format: "%.1f", Memory.residentMegabytes)) MB")
            }
        }
        Terminal.progress("")
        let late = samples.filter { $0.restarts > restarts / 10 }
        return Result(
            restarts: restarts, seconds: (ContinuousClock.now - began) / .seconds(1), played: played,
            abandoned: abandoned, mb_per_1000_restarts: Self.slope(late) * 1000, samples: samples)
    }

    private static func slope(_ samples: [Sample]) -> Double {
        let (x, y) = (samples.map { Double($0.restarts) }, samples.map(\.rss_mb))
        let count = Double(max(1, samples.count))
        let (meanX, meanY) = (x.reduce(0, +) / count, y.reduce(0, +) / count)
        let square = x.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }
        let product = zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
        return square > 0 ? product / square : 0
    }

    static func tell(_ result: Result) {
        Terminal.table(
            ["RESTARTS", "RSS MB", "THREADS", "FILES"],
            result.samples.map {
                ["\($0.restarts)", String(format: "%.1f", $0.rss_mb), "\($0.threads)", "\($0.files)"]
            })
        let rate = String(format: "%.2f", result.mb_per_1000_restarts)
        Terminal.say("\(result.played) played, \(result.abandoned) abandoned; \(rate) MB more for 1,000 restarts")
    }
}
