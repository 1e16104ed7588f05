import Engine
import Foundation
import History
import Matching
import Segments

/// The backtest of a query on one stream or region that computes approximate scores first and exact ones where needed.
///
/// Alerts come from exact scores. Scores far from the threshold stay approximate, so the curve and the histogram have
/// their rounding error.
struct ScannedBacktest {
    private let backtest: Backtest
    private let scores: LaneScores
    /// The beginning of the tested time, or else the time of the first recorded frame, in seconds since 1970.
    private let start: Double

    /// Computes approximate scores of the recording; nil if it has no frame in the tested time.
    init?(
        _ backtest: Backtest, _ history: LaneHistory, _ rules: ScannedRules, from: Double, to: Double,
        _ skips: inout HistorySkips, _ goesOn: () -> Bool
    ) {
        let scores = LaneScores(history.name, rules)
        scores.scan(history, from: from, to: to, &skips, goesOn)
        guard let first = scores.first else { return nil }
        start = from.isFinite ? from : first
        (self.backtest, self.scores) = (backtest, scores)
    }

    func run(
        to: Double, _ skips: inout HistorySkips, _ goesOn: () -> Bool
    ) throws -> (stream: BacktestResult.Stream, first: Double) {
        var result = LaneResult(scores.name, start: start)
        for frame in scores.frames[scores.begin...] { result.see(frameAt: frame.wall) }
        let replay = try backtest.replay(scores.name, start: start)
        let sparse = SparseReplay(scores, replay)
        try sparse.run(
            &skips, goesOn: goesOn, isWanted: { scores.frames[$0].isCandidate }, tell: { result.note($0) })
        result.note(replay.end())
        let query = backtest.queries[0].query
        let series = try refined(forAtMost: backtest.alertsPerDay * result.days, &skips, goesOn)
        let stream = result.finish(
            series, threshold: query.rule.fixedThreshold, undecided: sparse.undecided,
            alertsPerDay: backtest.alertsPerDay, from: start, to: to)
        return (stream, start)
    }

    /// Returns all scores, exact where they may change the threshold that gives at most `wanted` alerts.
    private func refined(
        forAtMost wanted: Double, _ skips: inout HistorySkips, _ goesOn: () -> Bool
    ) throws -> ScoreSeries {
        let policy = backtest.queries[0].query.settings.policy
        var series = scores.series(policy)
        for _ in 0..<Self.rounds {
            guard let threshold = series.threshold(forAtMost: wanted) else { break }
            let unsure = scores.unsure(at: threshold, policy)
            guard unsure.contains(true), goesOn() else { break }
            let again = SparseReplay(scores, try backtest.replay(scores.name, start: start))
            try again.run(&skips, goesOn: goesOn, isWanted: { unsure[$0] }, tell: { _ in })
            series = scores.series(policy)
        }
        return series
    }

    /// The greatest number of replays of the recording to find a threshold.
    ///
    /// Each may move the threshold to scores that are not yet exact.
    private static let rounds = 4
}

extension LaneScores {
    /// The time of the first frame in the tested time, in seconds since 1970; nil if there is none.
    var first: Double? { begin < frames.count ? frames[begin].wall : nil }

    /// Returns the scores in order, with the gaps between frames and the blind (black, frozen or blurred) pictures.
    func series(_ policy: EventPolicy) -> ScoreSeries {
        var series = ScoreSeries(policy, room: frames.count - begin)
        var hours = WatchedHours(rules.all[0].query)
        for place in begin..<frames.count {
            let frame = frames[place]
            if frame.isBreak || !hours.contain(frame.wall) { series.close() }
            if frame.value.isFinite {
                series.add(frame.value, from: frames[max(0, place - rules.frames + 1)].wall, to: frame.wall)
            } else if !frame.value.isNaN {
                series.addBlind(at: frame.wall)
            }
        }
        return series
    }

    /// Returns, for each frame, true if its window's approximate score is too inexact to decide at this threshold.
    ///
    /// This holds for scores within the rounding error of the threshold. After a match it also holds for scores within
    /// that error of the lower threshold that ends an event.
    func unsure(at threshold: Float, _ policy: EventPolicy) -> [Bool] {
        let rule = rules.all[0]
        func span(_ value: Float) -> ClosedRange<Float> {
            let low = rule.lowered(value, by: rules.error)
            return low...max(low, rule.lowered(value, by: -rules.error))
        }
        let (start, hold) = (span(threshold), span(threshold - policy.hysteresis))
        var unsure = [Bool](repeating: false, count: frames.count)
        /// The number of windows since the last one that may match or continue an event.
        var since = Int.max
        for place in begin..<frames.count {
            let frame = frames[place]
            if frame.isBreak { since = .max }
            guard frame.value.isFinite else { continue }
            if frame.value >= start.lowerBound || since < policy.windows && frame.value >= hold.lowerBound {
                since = 0
            } else if since < .max {
                since += 1
            }
            let decides = start.contains(frame.value) || since < policy.windows && hold.contains(frame.value)
            unsure[place] = decides && !frame.isExact
        }
        return unsure
    }
}
