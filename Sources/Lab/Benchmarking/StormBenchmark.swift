import Daemon
import Foundation
import Health
import Measures
package import Printing
import SystemSupport
package import Tensors
import WatchwordConfiguration

/// Measures the whole daemon while every query matches on every stream, so that many events occur.
package struct StormBenchmark: Sendable {
    /// The path of the video file that all streams play.
    package let film: String
    package let streams: Int
    package let queries: Int
    /// The duration of the measurement from the start of the streams, in seconds.
    package let seconds: Double
    package let model: String
    package let precision: Precision

    package init(film: String, streams: Int, queries: Int, seconds: Double, model: String, precision: Precision) {
        (self.film, self.streams, self.queries) = (film, streams, queries)
        (self.seconds, self.model, self.precision) = (seconds, model, precision)
    }

    /// Plays the video once on all streams, in real time; returns what was measured.
    package func run(_ reporter: ProgressReporter) async throws -> StormReport {
        Memory.keepSmall()
        let folder = temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        reporter.progress("embedding \(queries) queries")
        let (daemon, scoring) = try await startDaemon(configuration(in: folder))
        _ = await daemon.measure()
        let (began, used) = (ContinuousClock.now, clock())
        for number in 1...max(1, streams) {
            let path = URL(filePath: film).standardizedFileURL.path
            try await daemon.streams.add(
                StreamConfiguration(name: "storm-\(number)", uri: path, realtime: true), keep: false)
        }
        for second in stride(from: 0, to: seconds, by: 1) {
            reporter.progress("\(Int(second)) of \(Int(seconds)) s")
            try await Task.sleep(until: began + .seconds(min(second + 1, seconds)))
        }
        let (done, status) = (await daemon.measure(), try await daemon.status())
        let cpu = Double(clock() - used) / Double(CLOCKS_PER_SEC)
        let pictures = Pictures(in: folder.appending(path: "journal.sqlite.d/snapshots").path)
        let journal = ["journal.sqlite", "journal.sqlite-wal"].reduce(0) {
            $0 + Self.size(folder.appending(path: $1).path)
        }
        let phases = try await daemon.metrics().phases
        reporter.clear()
        await daemon.stop()
        await scoring.value
        // The first frames of each stream do not fill a window.
        let due = done.sampled - streams * (daemon.defaults.frames - 1)
        return StormReport(
            queries: queries, streams: streams, seconds: seconds, due: due, scored: status.scored,
            left_out: done.dropped, starts: phases["start"] ?? 0, updates: phases["update"] ?? 0,
            waiting: status.waitingMessages, coalesced: status.coalescedUpdates, messages: Int(status.seq),
            journal_mb: Double(journal) / 1e6, pictures: pictures.files, picture_names: pictures.names,
            picture_mb: Double(pictures.bytes) / 1e6,
            p50_ms: done.latency.milliseconds(at: 0.5), p99_ms: done.latency.milliseconds(at: 0.99), cpu_s: cpu,
            rss_mb: status.rssMB)
    }

    /// Returns a configuration in which every query always matches: its required probability is 1e-9.
    private func configuration(in folder: URL) throws -> Configuration {
        var configuration = Configuration()
        (configuration.model, configuration.precision) = (model, precision)
        configuration.publish = "ipc://\(folder.path)/events.sock"
        configuration.control = "ipc://\(folder.path)/control.sock"
        configuration.journal = folder.appending(path: "journal.sqlite").path
        configuration.queries = (0..<queries).map {
            var query = QueryConfiguration(text: "a red circle number \($0)")
            (query.against, query.probability) = (["a dark room"], 1e-9)
            return query
        }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return configuration
    }

    private static func size(_ path: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int ?? 0
    }

    /// Counts the pictures of events in a folder; a file with several names (hard links) counts once.
    private struct Pictures {
        var (names, files, bytes) = (0, 0, 0)

        init(in folder: String) {
            var seen: Set<UInt> = []
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                names += 1
                var status = stat()
                guard stat("\(folder)/\(name)", &status) == 0, seen.insert(UInt(status.st_ino)).inserted else {
                    continue
                }
                files += 1
                bytes += Int(status.st_blocks) * 512
            }
        }
    }
}
