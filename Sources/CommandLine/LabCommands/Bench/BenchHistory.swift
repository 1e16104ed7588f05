import ArgumentParser
import Benchmarking
import CommandSupport
import Concurrency
import Foundation
import History
import SystemSupport
import Tensors

extension Bench {
    /// The speed of searching a history, and what it takes to write one.
    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Milliseconds to search days of many cameras for a text.",
            discussion: """
                Embeddings are synthetic: each camera's wander, as those of a picture that changes slowly do. They are written as \
                a daemon writes them, and searched from the page cache, each round with other texts. READ is the time of reading \
                as many bytes as a search scans from memory, by as many threads. RSS is what searches add.
                """)

        @Option(parsing: .unconditional, help: "Cameras.") var cameras = 40
        @Option(parsing: .unconditional, help: "Hours of each.") var hours = 24.0
        @Option(parsing: .unconditional, help: "Sampled frames a second.") var fps = 1.0
        @Option(parsing: .unconditional, help: "Share of frames whose picture had not changed.") var gated = 0.0
        @Option(parsing: .unconditional, help: "Embedding width.") var width = 512
        @Option(parsing: .unconditional, help: "Frames in a window.") var frames = 12
        @Option(parsing: .upToNextOption, help: "Texts of a search.") var texts = [1, 64]
        @Option(parsing: .unconditional, help: "Rounds.") var rounds = 25
        @Option(parsing: .unconditional, help: "Threads that search.") var threads = 2
        @Option(parsing: .unconditional, help: "Seed of the embeddings.") var seed: UInt64 = 7
        @Option(help: "Where the history is written; kept if it is named, and used again if it is there.")
        var directory: String?
        @Option(help: "Write every window's embedding to this file, float32, for peers to search.") var export: String?
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard 1...10_000 ~= cameras, hours > 0, hours <= 24 * 366, fps > 0, fps <= 100, 0..<1 ~= gated,
                1...SegmentHeader.widest ~= width, 1...SegmentHeader.longestWindow ~= frames, rounds > 0,
                texts.allSatisfy({ 1...256 ~= $0 }), 1...64 ~= threads
            else { throw ValidationError("sizes must be positive, and no width above \(SegmentHeader.widest)") }
        }

        func run() async throws {
            try await Exit.guarding {
                let report = try await offPoolThrowing { try measure() }
                if json { return try Terminal.say(json: report) }
                Terminal.table(
                    ["TEXTS", "P50 MS", "P95 MS", "READ MS", "RATIO", "RSS MB", "WORST ERROR", "RECALL"],
                    report.results.map(\.cells))
                Terminal.say(
                    "\(report.rows) frames of \(cameras) cameras, width \(width), \(threads) threads, \(rounds) rounds; "
                        + String(
                            format: "%.1f MB scanned; %.1f MB a camera-day; %.2f µs of processor time to write a frame",
                            Double(report.scanned_bytes) / 1e6, report.bytes_a_camera_day / 1e6, report.write_us))
            }
        }

        private func measure() throws -> Report {
            let kept = directory
            let path = kept ?? FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID())").path
            defer { if kept == nil { try? FileManager.default.removeItem(atPath: path) } }
            let synthetic = SyntheticHistory(
                path: path, cameras: cameras, count: Int(hours * 3600 * fps), fps: fps, gated: gated, width: width,
                frames: frames, seed: seed)
            let written = try synthetic.write(exporting: export)
            let folder = HistoryFolder(path)
            let bytes = folder.segments().reduce(0) { $0 + $1.bytes }
            let rows = cameras * Int(hours * 3600 * fps)
            let search = HistorySearch(folder, now: { synthetic.end })
            let before = SystemSupport.Memory.residentMegabytes
            var results: [Result] = []
            var scanned = 0
            for (count, isQuick) in texts.flatMap({ $0 < 8 ? [($0, false)] : [($0, false), ($0, true)] }) {
                var times: [Double] = []
                var (resident, worst) = (before, Float(0))
                for round in 0...rounds {
                    Terminal.progress("\(count) texts, round \(round) of \(rounds)")
                    var query = query(count, round)
                    query.isQuick = isQuick
                    let began = ContinuousClock.now
                    let found = search.run(query)
                    // The first round fills the page cache.
                    if round > 0 { times.append((.now - began) / .seconds(1)) }
                    scanned = found.bytes
                    resident = max(resident, SystemSupport.Memory.residentMegabytes)
                    worst = max(worst, synthetic.worst(found, query))
                }
                times.sort()
                results.append(
                    Result(
                        texts: count, quick: isQuick, p50_ms: times[times.count / 2] * 1e3,
                        p95_ms: times[min(times.count - 1, times.count * 95 / 100)] * 1e3,
                        read_ms: 0, rss_mb: resident - before, worst_error: worst,
                        recall: isQuick ? recall(search, count) : 1))
            }
            let read = reading(scanned)
            for place in results.indices { results[place].read_ms = read }
            Terminal.progress("")
            return Report(
                cameras: cameras, hours: hours, fps: fps, gated: gated, width: width, frames: frames, rows: rows,
                threads: threads, rounds: rounds, bytes: bytes, scanned_bytes: scanned,
                bytes_a_camera_day: Double(bytes) / Double(cameras) / hours * 24,
                write_us: written / Double(rows) * 1e6, results: results)
        }

        /// Share of the exact search's moments that a quick one finds.
        private func recall(_ search: HistorySearch, _ count: Int) -> Double {
            var query = query(count, 0)
            let exact = search.run(query).moments
            query.isQuick = true
            let quick = search.run(query).moments
            func keys(_ moments: [HistoryMoment]) -> Set<String> { Set(moments.map { "\($0.stream) \($0.mediaPeak)" }) }
            let common = zip(exact, quick).reduce(0) { $0 + keys($1.0).intersection(keys($1.1)).count }
            return Double(common) / Double(max(1, exact.reduce(0) { $0 + $1.count }))
        }

        private func query(_ count: Int, _ round: Int) -> HistoryQuery {
            let texts = (0..<count).map { place in
                var numbers = SeededNumbers(seed: seed &+ UInt64(1_000_000 + round * 1000 + place))
                return Products.unit(numbers.numbers(width, deviation: 1))
            }
            var query = HistoryQuery(texts: texts, model: SyntheticHistory.model, width: width)
            query.threads = threads
            return query
        }

        /// Milliseconds of the median reading of so many bytes from memory.
        private func reading(_ bytes: Int) -> Double {
            Workers.set(threads)
            defer { Workers.set(0) }
            let read = MemoryRead(bytes: bytes)
            var times: [Double] = []
            for round in 0..<9 {
                Terminal.progress("reading memory, round \(round + 1)")
                let began = ContinuousClock.now
                read.run()
                times.append((.now - began) / .seconds(1) * 1e3)
            }
            return times.sorted()[times.count / 2]
        }
    }
}

extension Bench.History {
    fileprivate struct Result: Encodable {
        let texts: Int
        let quick: Bool
        let p50_ms: Double
        let p95_ms: Double
        /// Reading as many bytes as are scanned from memory, once.
        var read_ms: Double
        let rss_mb: Double
        /// Largest error of the best moments' scores, against float64.
        let worst_error: Float
        /// Share of the exact search's moments that were found.
        let recall: Double

        var cells: [String] {
            [
                "\(texts)\(quick ? " quick" : "")", String(format: "%.1f", p50_ms), String(format: "%.1f", p95_ms),
                String(format: "%.1f", read_ms), String(format: "%.2f", p50_ms / read_ms),
                String(format: "%.1f", rss_mb), String(format: "%.1e", worst_error),
                String(format: "%.3f", recall),
            ]
        }
    }

    fileprivate struct Report: Encodable {
        var bench = "history"
        let cameras: Int
        let hours: Double
        let fps: Double
        let gated: Double
        let width: Int
        let frames: Int
        let rows: Int
        let threads: Int
        let rounds: Int
        let bytes: Int
        let scanned_bytes: Int
        let bytes_a_camera_day: Double
        /// Microseconds of processor time to write a frame.
        let write_us: Double
        let results: [Result]
    }
}
