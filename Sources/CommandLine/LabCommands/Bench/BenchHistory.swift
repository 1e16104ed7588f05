import ArgumentParser
import Benchmarking
import CommandSupport
import Concurrency
import Foundation
import History
import Segments
import SystemSupport
import Tensors

extension Bench {
    /// `watchword bench history`: measures how fast a history of recorded embeddings is searched and written.
    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Milliseconds to search days of many cameras for a text.",
            discussion: """
                Embeddings are synthetic: each camera's wander, as those of a picture that changes slowly do. They are \
                written as a daemon writes them, and searched from the page cache, each round with other texts. READ \
                is the time of reading as many bytes as a search scans from memory, by as many threads, in turns with \
                the searches. RSS is what a search adds at its peak; WORST ERROR is of all moments of all rounds.
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
        @Option(help: "Write every window's embedding to this file, float32, and the first texts to FILE.texts.")
        var export: String?
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
            if let export {
                let output = try FileWriter(export + ".texts")
                for text in unitTexts(texts.max() ?? 1, round: 0) {
                    try output.write(text.withUnsafeBytes { Data($0) })
                }
                try output.close()
            }
            let folder = HistoryFolder(path)
            let bytes = folder.segments().reduce(0) { $0 + $1.bytes }
            let trial = HistoryTrial(search: HistorySearch(folder, now: { synthetic.end }), history: self)
            let kinds = texts.flatMap { $0 < 8 ? [($0, false)] : [($0, false), ($0, true)] }
            let found = kinds.map { trial.measure($0.0, isQuick: $0.1) }
            Terminal.progress("computing the moments' scores in float64")
            let errors = synthetic.worst(found.map(\.moments))
            let scanned = found.map(\.bytes).max() ?? 0
            Terminal.progress("")
            return Report(
                cameras: cameras, hours: hours, fps: fps, gated: gated, width: width, frames: frames,
                rows: synthetic.cameras * synthetic.count, threads: threads, rounds: rounds, bytes: bytes,
                scanned_bytes: scanned, bytes_a_camera_day: Double(bytes) / Double(cameras) / hours * 24,
                write_us: written / Double(synthetic.cameras * synthetic.count) * 1e6,
                results: zip(zip(kinds, found), errors).map { pair, worst in
                    Result(pair.0.0, pair.0.1, pair.1, worst: worst, rows: pair.1.best.map(synthetic.row))
                })
        }

        /// Returns `count` random text embeddings of length 1; the same round always gives the same ones.
        func unitTexts(_ count: Int, round: Int) -> [[Float]] {
            (0..<count).map { place in
                var numbers = SeededNumbers(seed: seed &+ UInt64(1_000_000 + round * 1000 + place))
                return Products.unit(numbers.numbers(width, deviation: 1))
            }
        }
    }
}

extension Bench.History {
    fileprivate struct Result: Encodable {
        let texts: Int
        let quick: Bool
        let p50_ms: Double
        let p95_ms: Double
        /// The median time of reading from memory as many bytes as a search reads, in milliseconds.
        let read_ms: Double
        /// The growth of the process's peak resident memory during a search, in megabytes.
        let rss_mb: Double
        /// The largest error of the scores of found moments, compared with float64.
        let worst_error: Float
        /// The share of the exact search's moments that this search found, in 0...1.
        let recall: Double
        /// The best window of each text, as a row number in the exported file; -1 if there is none.
        let best: [Int]

        init(_ texts: Int, _ quick: Bool, _ found: HistoryTrial.Found, worst: Float, rows: [Int]) {
            (self.texts, self.quick) = (texts, quick)
            let times = found.times.sorted()
            p50_ms = times.median * 1e3
            p95_ms = times[min(times.count - 1, times.count * 95 / 100)] * 1e3
            read_ms = found.read * 1e3
            (rss_mb, worst_error, recall, best) = (found.megabytes, worst, found.recall, rows)
        }

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
        /// The processor time to write a frame, in microseconds.
        let write_us: Double
        let results: [Result]
    }
}
