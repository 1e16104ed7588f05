import Benchmarking
import CommandSupport
import Foundation
import History
import SystemSupport
import Tensors

/// Searches a history repeatedly and measures the time.
///
/// Between the searches, it reads the same number of bytes from memory for comparison.
struct HistoryTrial {
    /// The times and results of searches with a fixed number of texts.
    struct Found {
        /// The duration of each search, in seconds.
        var times: [Double] = []
        /// The median time of reading as many bytes from memory as a search reads, in seconds.
        var read = 0.0
        var bytes = 0
        var megabytes = 0.0
        var recall = 1.0
        /// The moments that were found for each text, in all rounds.
        var moments: [(text: [Float], moments: [HistoryMoment])] = []
        /// The best moment found for each text in the first search; nil if there was none.
        var best: [HistoryMoment?] = []
    }

    let search: HistorySearch
    let history: Bench.History
    /// The greatest number of bytes that are read for comparison; the time for more is extrapolated.
    private static let mostRead = 2 << 30

    func measure(_ count: Int, isQuick: Bool) -> Found {
        var found = Found()
        // The first search fills the page cache.
        let first = search.run(query(count, 0, isQuick))
        found.bytes = first.bytes
        found.best = first.moments.map(\.first)
        found.megabytes = peak { _ = search.run(query(count, 0, isQuick)) }
        if isQuick { found.recall = recall(first.moments, search.run(query(count, 0, false)).moments) }
        let kept = min(first.bytes, Self.mostRead)
        let read = MemoryRead(bytes: kept)
        Workers.set(history.threads)
        defer { Workers.set(0) }
        var reads: [Double] = []
        for round in 1...history.rounds {
            Terminal.progress("\(count) texts, round \(round) of \(history.rounds)")
            let query = query(count, round, isQuick)
            var moments: [[HistoryMoment]] = []
            found.times.append(seconds { moments = search.run(query).moments })
            reads.append(seconds { read.run() } * Double(first.bytes) / Double(max(1, kept)))
            found.moments += zip(query.texts, moments).map { ($0, $1) }
        }
        found.read = reads.median
        return found
    }

    private func query(_ count: Int, _ round: Int, _ isQuick: Bool) -> HistoryQuery {
        var query = HistoryQuery(
            texts: history.unitTexts(count, round: round), model: SyntheticHistory.model, width: history.width)
        (query.threads, query.isQuick) = (history.threads, isQuick)
        return query
    }

    /// Returns the share of the exact search's moments that a quick search found, in 0...1.
    private func recall(_ quick: [[HistoryMoment]], _ exact: [[HistoryMoment]]) -> Double {
        func keys(_ moments: [HistoryMoment]) -> Set<String> { Set(moments.map { "\($0.stream) \($0.mediaPeak)" }) }
        let common = zip(exact, quick).reduce(0) { $0 + keys($1.0).intersection(keys($1.1)).count }
        return Double(common) / Double(max(1, exact.reduce(0) { $0 + $1.count }))
    }

    /// Returns the growth of peak resident memory during `work`, in megabytes.
    private func peak(_ work: () -> Void) -> Double {
        SystemSupport.Memory.release()
        // Writing 5 resets the peak resident set size (proc(5)).
        try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
        let before = SystemSupport.Memory.residentMegabytes
        work()
        return max(0, SystemSupport.Memory.peakMegabytes - before)
    }

    private func seconds(_ work: () -> Void) -> Double {
        let began = ContinuousClock.now
        work()
        return (.now - began) / .seconds(1)
    }
}
