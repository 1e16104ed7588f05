import ArgumentParser
import Concurrency
import Engine
import Foundation
import SystemSupport
import Tensors

extension Bench {
    /// The speed of scoring windows against all standing queries.
    struct Queries: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Milliseconds to find which of many standing queries some windows reach.",
            discussion: """
                Embeddings are random, of length 1; every query's threshold is the same, and a handful of pairs reach it. \
                Numbers of windows are timed in turns, and the median round is shown, with the fastest and the slowest. \
                What is found is compared with float64, pair for pair. SCORED is the share of pairs that the bound of the \
                compressed pass did not exclude. ADD and REMOVE are microseconds a query.
                """)

        @Option(parsing: .upToNextOption, help: "Standing queries.") var queries = [10_000, 100_000, 1_000_000]
        @Option(parsing: .upToNextOption, help: "Windows in a call.") var windows = [1, 64]
        @Option(parsing: .unconditional, help: "Embedding width.") var width = 512
        @Option(parsing: .unconditional, help: "Every query's threshold.") var threshold: Float = 0.22
        @Option(parsing: .unconditional, help: "Threads; all cores, if 0.") var threads = 0
        @Option(parsing: .unconditional, help: "Rounds.") var rounds = 9
        @Option(parsing: .unconditional, help: "Seed of the random embeddings.") var seed: UInt64 = 7
        @Option(help: "How bytes are multiplied: best, none, portable, avx2, vnni, amx.") var scan = ScoreScan.best
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard queries.allSatisfy({ 1...100_000_000 ~= $0 }), windows.allSatisfy({ 1...4096 ~= $0 }),
                1...ScoreIndex.widest ~= width, 0...1024 ~= threads, rounds > 0, !threshold.isNaN
            else { throw ValidationError("sizes must be positive, and no width above \(ScoreIndex.widest)") }
            guard scan.isAvailable else { throw ValidationError("this CPU has no \(scan.rawValue)") }
        }

        func run() async throws {
            try await Exit.guarding {
                let report = try await offPool { [self] in Swift.Result { try measure() } }.get()
                if json {
                    try Terminal.say(json: report)
                } else {
                    Terminal.table(
                        [
                            "QUERIES", "WINDOWS", "MS", "FASTEST–SLOWEST", "HITS", "SCORED", "MB", "ADD", "REMOVE",
                            "WRONG",
                        ], report.results.map(\.cells))
                    Terminal.say("width \(width), \(report.threads) threads, \(rounds) rounds, \(scan.rawValue)")
                }
                guard report.results.allSatisfy({ $0.wrong == 0 }) else {
                    Terminal.complain("what was found is not what float64 finds")
                    throw ExitCode.failure
                }
            }
        }

        private func measure() throws -> Report {
            Workers.set(threads)
            let results = try queries.flatMap { try measure(queries: $0) }
            return Report(width: width, threshold: threshold, threads: Workers.count, rounds: rounds, results: results)
        }

        private func measure(queries: Int) throws -> [Result] {
            let clock = ContinuousClock()
            let rows = RandomRows(width: width, seed: seed)
            let looked = RandomRows(width: width, seed: ~seed).chunk(0, (windows.max() ?? 0))
            let before = Memory.residentMegabytes
            let index = ScoreIndex(width: width)
            index.reserve(queries)
            var adding = Duration.zero
            for chunk in 0..<rows.chunks(queries) {
                Terminal.progress("adding \(queries) queries: \(chunk * RandomRows.chunk)")
                let (first, made) = (chunk * RandomRows.chunk, rows.chunk(chunk, queries))
                adding += clock.measure {
                    for (place, row) in made.enumerated() {
                        index.put(Int32(first + place), row, floor: threshold)
                    }
                }
            }
            var hits: [ScoreIndex.Hit] = []
            let calls = windows.map { count in Array(looked.prefix(count).joined()) }
            let works: [() throws -> Void] = calls.map { windows in
                { [scan] in index.search(windows, into: &hits, scan: scan) }
            }
            let timings = try Rounds(count: rounds, slice: 0.2).time(works) {
                Terminal.progress("\(queries) queries, round \($0 + 1) of \(rounds)")
            }
            let resident = Memory.residentMegabytes - before
            Terminal.progress("\(queries) queries, float64")
            let found = calls.map { (hits: index.hits($0, scan: scan), scored: index.scored) }
            let expected = rows.reached(queries, by: looked, threshold)
            // From the front: each time the last one takes its place.
            let removed = min(queries, 10_000)
            let removing = clock.measure { for tag in 0..<removed { index.remove(Int32(tag)) } }
            Terminal.progress("")
            return windows.enumerated().map { place, windows in
                let pairs = Double(queries) * Double(windows)
                let wanted = expected.filter { $0.window < windows }
                return Result(
                    queries: queries, windows: windows, ms: timings[place].median * 1e3,
                    ms_fastest: timings[place].fastest * 1e3, ms_slowest: timings[place].slowest * 1e3,
                    rss_mb: resident, hits: found[place].hits.count,
                    scored_share: Double(found[place].scored) / pairs, wrong: wrong(found[place].hits, wanted),
                    add_us: adding / .microseconds(1) / Double(queries),
                    remove_us: removing / .microseconds(1) / Double(removed))
            }
        }

        /// Pairs that only one of both has, or whose scores differ.
        private func wrong(_ found: [ScoreIndex.Hit], _ expected: [ScoreIndex.Hit]) -> Int {
            func byPair(_ hits: [ScoreIndex.Hit]) -> [[Int]: Float] {
                Dictionary(hits.map { ([$0.window, Int($0.tag)], $0.score) }) { _, _ in .nan }
            }
            let (left, right) = (byPair(found), byPair(expected))
            return Set(left.keys).union(right.keys).count { left[$0] != right[$0] }
        }
    }
}

extension ScoreScan: ExpressibleByArgument {}

extension Bench.Queries {
    private struct Result: Encodable {
        let queries: Int
        let windows: Int
        let ms: Double
        let ms_fastest: Double
        let ms_slowest: Double
        /// What the index added to the process.
        let rss_mb: Double
        let hits: Int
        let scored_share: Double
        /// Pairs that differ from float64.
        let wrong: Int
        let add_us: Double
        let remove_us: Double

        var cells: [String] {
            [
                "\(queries)", "\(windows)", String(format: "%.3f", ms),
                String(format: "%.3f–%.3f", ms_fastest, ms_slowest), "\(hits)",
                String(format: "%.5f %%", scored_share * 100), String(format: "%.0f", rss_mb),
                String(format: "%.2f", add_us), String(format: "%.2f", remove_us), "\(wrong)",
            ]
        }
    }

    private struct Report: Encodable {
        var bench = "queries"
        let width: Int
        let threshold: Float
        let threads: Int
        let rounds: Int
        let results: [Result]
    }
}

/// Random embeddings of length 1 that can be made again, so that nobody need keep them.
private struct RandomRows {
    let width: Int
    let seed: UInt64

    static let chunk = 4096

    func chunks(_ count: Int) -> Int { (count + Self.chunk - 1) / Self.chunk }

    /// Rows from `chunk` * 4096 on, of `count` in all.
    func chunk(_ chunk: Int, _ count: Int) -> [[Float]] {
        var random = SeededNumbers(seed: seed &+ UInt64(chunk) &* 0x5851_F42D_4C95_7F2D)
        return (0..<min(Self.chunk, count - chunk * Self.chunk)).map { _ in
            Products.unit(random.numbers(width, deviation: 1))
        }
    }

    /// What the definition finds: every pair's float64 sum, rounded to float32.
    func reached(_ count: Int, by windows: [[Float]], _ threshold: Float) -> [ScoreIndex.Hit] {
        let wide = windows.map { $0.map(Double.init) }
        var hits: [ScoreIndex.Hit] = []
        for chunk in 0..<chunks(count) {
            for (place, row) in self.chunk(chunk, count).enumerated() {
                let row = row.map(Double.init)
                for (window, v) in wide.enumerated() {
                    let score = Float(Self.dot(row, v))
                    guard score >= threshold else { continue }
                    let tag = Int32(chunk * Self.chunk + place)
                    hits.append(ScoreIndex.Hit(window: window, tag: tag, score: score))
                }
            }
        }
        return hits
    }

    private static func dot(_ a: [Double], _ b: [Double]) -> Double {
        var sums = SIMD8<Double>()
        var rest = 0.0
        let whole = a.count / 8 * 8
        a.withUnsafeBytes { a in
            b.withUnsafeBytes { b in
                for i in stride(from: 0, to: whole * 8, by: 64) {
                    let left = a.loadUnaligned(fromByteOffset: i, as: SIMD8<Double>.self)
                    sums += left * b.loadUnaligned(fromByteOffset: i, as: SIMD8<Double>.self)
                }
            }
        }
        for i in whole..<a.count { rest += a[i] * b[i] }
        return sums.sum() + rest
    }
}
