package import CLIP
package import Engine
import Foundation
package import Heads
package import History
package import Matching
import Segments
import Synchronization

/// Tests a query on recorded frames: returns the alerts that it would have given.
///
/// The code is the same that decides live. A history is a folder with the frame embeddings that the daemon recorded. A
/// lane is one stream, or one region of a stream.
package struct Backtest: Sendable {
    /// The queries to run: the query to test, then the others of its group, with which it shares alerts.
    package var queries: [EmbeddedQuery]
    /// The name of the embedding model; only recordings that this model made are read.
    package var identity: String
    /// The beginning of the tested time in seconds since 1970; nil means the first recorded frame.
    ///
    /// `to` is the end, which is not included; nil means now.
    package var from: Double?
    package var to: Double?
    /// Returns the labels of a stream or region, by which queries select it.
    package var labels: @Sendable (String) -> [String] = { _ in [] }
    /// The number of alerts a day for which the result proposes a threshold.
    package var alertsPerDay: Double
    package var rerank = StandingQuery.defaultRerank
    package var calibration = CalibrationSettings()
    /// The fixed thresholds of queries that would otherwise learn one, by lane (stream or region) and query id.
    package var pins: [String: [String: Float]] = [:]
    /// The greatest difference between a cosine computed from a recording and the cosine that decided live.
    package var error: Float = 0
    /// The number of threads; each processes one stream or region at a time.
    package var threads = 2

    private let model: ModelDirectory
    private let finder: HeadFinder

    /// Makes a backtest with default settings; the first query is the one to test.
    package init(
        _ queries: [EmbeddedQuery], model: ModelDirectory, finder: HeadFinder,
        identity: String, alertsPerDay: Double = 1
    ) {
        (self.queries, self.model, self.finder, self.identity) = (queries, model, finder, identity)
        self.alertsPerDay = alertsPerDay
    }

    /// Runs the query on all recorded frames and waits for the result; not for Swift's cooperative threads.
    ///
    /// `goesOn` is called often, from several threads; once it returns false, the results so far are returned.
    /// `progress` gets the finished share, from 0 to 1. Throws if a head (the model that scores a window) fails or does
    /// not fit the model.
    package func run(
        _ folder: HistoryFolder, now: Double = Date().timeIntervalSince1970,
        goesOn: @escaping @Sendable () -> Bool = { true },
        progress: @escaping @Sendable (Double) -> Void = { _ in }
    ) throws -> BacktestResult {
        var skips = HistorySkips()
        let (from, to) = (from ?? -.infinity, min(to ?? now, now))
        let lanes = lanes(folder, from: from, to: to, &skips)
        let total = Double(max(1, lanes.reduce(0) { $0 + $1.bytes }))
        let shared = Mutex(Shared(streams: [BacktestResult.Stream?](repeating: nil, count: lanes.count), skips: skips))
        DispatchQueue.concurrentPerform(iterations: max(1, min(threads, lanes.count))) { _ in
            while goesOn(), let place = Self.nextPlace(shared, lanes.count) {
                var skips = HistorySkips()
                let done = Result { try run(lanes[place], from: from, to: to, &skips, goesOn) }
                let share = shared.withLock { shared in
                    shared.skips.merge(skips)
                    switch done {
                    case .success(let found):
                        shared.streams[place] = found.stream
                        shared.first = min(shared.first, found.first)
                    case .failure(let error): shared.failure = shared.failure ?? error
                    }
                    shared.bytes += lanes[place].bytes
                    return Double(shared.bytes) / total
                }
                progress(min(1, share))
            }
        }
        let found = shared.withLock { $0 }
        if let failure = found.failure { throw failure }
        let first = from.isFinite ? from : found.first.isFinite ? found.first : to
        var result = BacktestResult(
            from: Date(timeIntervalSince1970: first), to: Date(timeIntervalSince1970: to))
        result.streams = found.streams.compactMap { $0 }
        result.undecided = result.streams.reduce(0) { $0 + $1.undecided }
        result.skipped = found.skips.sentences
        result.isCancelled = !goesOn()
        return result
    }

    private struct Shared {
        var next = 0
        var streams: [BacktestResult.Stream?]
        var skips: HistorySkips
        var first = Double.infinity
        var bytes = 0
        var failure: (any Error)?
    }

    private static func nextPlace(_ shared: borrowing Mutex<Shared>, _ count: Int) -> Int? {
        shared.withLock { shared in
            guard shared.next < count, shared.failure == nil else { return nil }
            shared.next += 1
            return shared.next - 1
        }
    }

    /// Returns the recordings of the streams and regions that the query selects.
    private func lanes(_ folder: HistoryFolder, from: Double, to: Double, _ skips: inout HistorySkips) -> [LaneHistory]
    {
        guard let query = queries.first?.query, from < to else { return [] }
        let first = from.isFinite ? HistoryFolder.day(at: from) : Int.min
        return LaneHistory.all(
            in: folder, model: identity, width: model.architecture.embedding,
            days: first...max(first, HistoryFolder.day(at: to)),
            selects: { query.settings.selector.matches($0, labels: labels($0)) }, &skips)
    }

    private func run(
        _ history: LaneHistory, from: Double, to: Double, _ skips: inout HistorySkips, _ goesOn: () -> Bool
    ) throws -> (stream: BacktestResult.Stream, first: Double) {
        let none = (BacktestResult.Stream(history.name), Double.infinity)
        var armed = self
        armed.queries = try queries(of: history, from: from, to: to, &skips, goesOn)
        if let rules = try armed.scanned(history.name) {
            let scanned = ScannedBacktest(armed, history, rules, from: from, to: to, &skips, goesOn)
            return try scanned?.run(to: to, &skips, goesOn) ?? none
        }
        var lane: LaneBacktest?
        var first = from
        let lead = max(0, (queries.first?.query.frames ?? 1) - 1)
        try history.read(from: from, to: to, lead: lead, &skips, goesOn: goesOn) { frames in
            if lane == nil {
                // Frames before the span only fill its first window.
                first = from.isFinite ? from : frames.first?.wallClock ?? from
                lane = try LaneBacktest(armed, history.name, start: first)
            }
            try lane?.take(frames)
        }
        guard let lane else { return none }
        return (lane.finish(from: first, to: to), first)
    }

    /// Returns the queries for one stream or region, with fixed thresholds instead of learnt ones where possible.
    ///
    /// The threshold is the one in `pins`, else one that a fast scan of the recording learns for the head `mean`.
    /// Queries without either learn their threshold while the recording is replayed.
    private func queries(
        of lane: LaneHistory, from: Double, to: Double, _ skips: inout HistorySkips, _ goesOn: () -> Bool
    ) throws -> [EmbeddedQuery] {
        try queries.map { one in
            guard one.query.rule.fixedThreshold == nil else { return one }
            var threshold = pins[lane.name]?[one.query.id]
            if threshold == nil, one.query.head == "mean" {
                var scan = LearningScan([one], width: model.architecture.embedding, settings: calibration)
                threshold = scan.run(lane, from: from, to: to, &skips, goesOn: goesOn).first?.threshold
            }
            return try threshold.map { EmbeddedQuery(try one.query.with(rule: .score($0)), one.embedding) } ?? one
        }
    }

    /// Returns the threshold rules of those queries that select this stream or region.
    ///
    /// Returns nil if a fast scan of the recording cannot compute the scores that the rules need.
    private func scanned(_ lane: String) throws -> ScannedRules? {
        let own = queries.filter { $0.query.settings.selector.matches(lane, labels: labels(lane)) }
        return try ScannedRules(
            own, width: model.architecture.embedding, scoring: model.scoring(), error: error)
    }

    /// Makes a replay: it runs recorded frames of one stream or region through the engine that also decides live.
    func replay(_ name: String, start: Double) throws -> Replay {
        try Replay(
            queries, lane: name, labels: labels(name), model: model, finder: finder, rerank: rerank,
            calibration: calibration, start: start, error: error)
    }
}
