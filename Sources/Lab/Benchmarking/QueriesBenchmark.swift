package import Printing
import SystemSupport
package import Tensors

/// Measures the time to find the standing queries that match given windows, and checks the results.
package struct QueriesBenchmark: Sendable {
    /// The numbers of standing queries to measure with.
    package let queries: [Int]
    /// The numbers of windows in one search to measure with.
    package let windows: [Int]
    /// The number of values in an embedding.
    package let width: Int
    /// The score threshold of all queries.
    package let threshold: Float
    /// The number of threads of the search; 0 means all cores.
    package let threads: Int
    package let rounds: Int
    /// The seed of the random embeddings.
    package let seed: UInt64
    package let scan: ScoreScan

    package init(
        queries: [Int], windows: [Int], width: Int, threshold: Float, threads: Int, rounds: Int, seed: UInt64,
        scan: ScoreScan
    ) {
        (self.queries, self.windows, self.width, self.threshold) = (queries, windows, width, threshold)
        (self.threads, self.rounds, self.seed, self.scan) = (threads, rounds, seed, scan)
    }

    /// The time for which each closure is run in a round, in seconds.
    private static let slice = 0.2
    /// The greatest number of queries that are removed to time removal.
    private static let maxRemoved = 10_000

    /// Measures each combination of queries and windows; blocks the calling thread.
    package func run(_ reporter: ProgressReporter) throws -> QueriesReport {
        Workers.set(threads)
        let results = try queries.flatMap { try measure(queries: $0, reporter) }
        return QueriesReport(
            width: width, threshold: threshold, threads: Workers.count, rounds: rounds, results: results)
    }

    private func measure(queries: Int, _ reporter: ProgressReporter) throws -> [QueriesReport.Result] {
        let rows = RandomRows(width: width, seed: seed)
        let searched = RandomRows(width: width, seed: ~seed).chunk(0, (windows.max() ?? 0))
        let before = Memory.residentMegabytes
        let index = ScoreIndex(width: width)
        let adding = add(queries, of: rows, to: index, reporter)
        var hits: [ScoreIndex.Hit] = []
        let calls = windows.map { count in Array(searched.prefix(count).joined()) }
        let works: [() throws -> Void] = calls.map { windows in
            { [scan] in index.search(windows, into: &hits, scan: scan) }
        }
        let timings = try Rounds(count: rounds, slice: Self.slice).time(works) {
            reporter.progress("\(queries) queries, round \($0 + 1) of \(rounds)")
        }
        let resident = Memory.residentMegabytes - before
        reporter.progress("\(queries) queries, float64")
        let found = calls.map { (hits: index.hits($0, scan: scan), scored: index.scored) }
        let expected = rows.reached(queries, by: searched, threshold)
        // Removing from the front is slowest, since each time the last query moves to the free place.
        let removed = min(queries, Self.maxRemoved)
        let removing = ContinuousClock().measure { for tag in 0..<removed { index.remove(Int32(tag)) } }
        reporter.clear()
        return windows.enumerated().map { place, windows in
            let pairs = Double(queries) * Double(windows)
            let wanted = expected.filter { $0.window < windows }
            return QueriesReport.Result(
                queries: queries, windows: windows, ms: timings[place].median * 1e3,
                ms_fastest: timings[place].fastest * 1e3, ms_slowest: timings[place].slowest * 1e3,
                rss_mb: resident, hits: found[place].hits.count,
                scored_share: Double(found[place].scored) / pairs,
                wrong: Self.differences(found[place].hits, wanted),
                add_us: adding / .microseconds(1) / Double(queries),
                remove_us: removing / .microseconds(1) / Double(removed))
        }
    }

    /// Adds random queries to the index; returns the time, without the time to generate them.
    private func add(
        _ queries: Int, of rows: RandomRows, to index: ScoreIndex, _ reporter: ProgressReporter
    ) -> Duration {
        index.reserve(queries)
        var adding = Duration.zero
        for chunk in 0..<rows.chunks(queries) {
            reporter.progress("adding \(queries) queries: \(chunk * RandomRows.chunk)")
            let (first, made) = (chunk * RandomRows.chunk, rows.chunk(chunk, queries))
            adding += ContinuousClock().measure {
                for (place, row) in made.enumerated() { index.put(Int32(first + place), row, floor: threshold) }
            }
        }
        return adding
    }

    /// Returns the number of (window, query) pairs that only one list has, or whose scores differ.
    private static func differences(_ found: [ScoreIndex.Hit], _ expected: [ScoreIndex.Hit]) -> Int {
        func byPair(_ hits: [ScoreIndex.Hit]) -> [[Int]: Float] {
            Dictionary(hits.map { ([$0.window, Int($0.tag)], $0.score) }) { _, _ in .nan }
        }
        let (left, right) = (byPair(found), byPair(expected))
        return Set(left.keys).union(right.keys).count { left[$0] != right[$0] }
    }
}
