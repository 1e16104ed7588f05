import Engine
import Foundation
import Matching

/// The backtest of a query on one stream or region that runs every recorded frame through the engine.
///
/// Not Sendable: it belongs to one thread.
final class LaneBacktest {
    private let backtest: Backtest
    private let replay: Replay
    private let series: Series
    private var result: LaneResult
    private var hours: WatchedHours

    /// The scores of the recording so far; a class, because a callback adds to it while the engine runs.
    private final class Series {
        var scores: ScoreSeries
        var threshold: Float?
        var undecided = 0

        init(_ policy: EventPolicy) { scores = ScoreSeries(policy) }

        func add(_ value: Replay.Value) {
            scores.add(value.value, from: value.span.wallStart, to: value.span.wallEnd)
            threshold = value.threshold.isFinite ? value.threshold : threshold
            if value.isUndecided { undecided += 1 }
        }
    }

    /// Prepares the backtest; `start` is the time of the first frame in seconds since 1970.
    init(_ backtest: Backtest, _ name: String, start: Double) throws {
        self.backtest = backtest
        let query = backtest.queries[0].query
        replay = try backtest.replay(name, start: start)
        let series = Series(query.settings.policy)
        self.series = series
        result = LaneResult(name, start: start)
        hours = WatchedHours(query)
        replay.follow(query.id) { series.add($0) }
    }

    func take(_ frames: [RecordedFrame]) throws {
        // Breaks, blind pictures and unwatched hours must be added between the scores: split the frames there.
        var start = 0
        for (place, frame) in frames.enumerated() {
            let isWatched = hours.contain(frame.wallClock)
            let parts = frame.isDiscontinuity || frame.embedding == nil || !isWatched
            guard parts else { continue }
            try step(frames[start..<place])
            start = place
            if frame.isDiscontinuity || !isWatched { series.scores.close() }
            if frame.embedding == nil { series.scores.addBlind(at: frame.wallClock) }
        }
        try step(frames[start...])
    }

    private func step(_ frames: ArraySlice<RecordedFrame>) throws {
        guard !frames.isEmpty else { return }
        for frame in frames { result.see(frameAt: frame.wallClock) }
        result.note(try replay.take(Array(frames)).detections)
    }

    /// Ends open events at the end of the recording, and returns the result.
    func finish(from: Double, to: Double) -> BacktestResult.Stream {
        result.note(replay.end())
        return result.finish(
            series.scores, threshold: series.threshold, undecided: series.undecided,
            alertsPerDay: backtest.alertsPerDay, from: from, to: to)
    }
}
