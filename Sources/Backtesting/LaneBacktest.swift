import Engine
import Foundation
import Matching

/// The backtest of a query on one lane: its alerts, the values of its windows, and what was watched.
///
/// Belongs to one thread.
final class LaneBacktest {
    private let backtest: Backtest
    private let query: StandingQuery
    private let replay: Replay
    private let series: Series
    private var stream: BacktestResult.Stream
    private var coverage: Coverage

    /// The values so far; a class, since the replay tells of them while it runs.
    private final class Series {
        var scores: ScoreSeries
        var threshold: Float?
        var undecided = 0

        init(_ policy: EventPolicy) { scores = ScoreSeries(policy) }

        func add(_ value: Replay.Value) {
            scores.add(value.value, value.span)
            threshold = value.threshold.isFinite ? value.threshold : threshold
            if value.isUndecided { undecided += 1 }
        }
    }

    /// `start`: the first frame's time in seconds since 1970.
    init(_ backtest: Backtest, _ name: String, start: Double) throws {
        self.backtest = backtest
        query = backtest.queries[0].query
        replay = try backtest.replay(name, start: start)
        let series = Series(query.settings.policy)
        self.series = series
        stream = BacktestResult.Stream(name)
        coverage = Coverage(from: start)
        replay.follow(query.id) { series.add($0) }
    }

    func take(_ frames: [RecordedFrame]) throws {
        // A break parts the values, too: batches end where one is.
        var start = 0
        for place in frames.indices where frames[place].isDiscontinuity && place > start {
            try step(frames[start..<place])
            start = place
        }
        try step(frames[start...])
    }

    private func step(_ frames: ArraySlice<RecordedFrame>) throws {
        if frames.first?.isDiscontinuity == true { series.scores.close() }
        for frame in frames { coverage.see(frame) }
        note(try replay.take(Array(frames)).detections)
    }

    private func note(_ detections: [Detection]) {
        for detection in detections where detection.transition.phase == .end {
            let event = detection.transition
            stream.count += 1
            if stream.alerts.count == BacktestResult.Stream.mostListed { stream.alerts.removeFirst() }
            stream.alerts.append(
                BacktestResult.Alert(
                    start: Date(timeIntervalSince1970: event.wallStart),
                    end: Date(timeIntervalSince1970: event.wallEnd),
                    peak: Date(timeIntervalSince1970: event.peak.wallTime), score: Double(event.peak.score)))
        }
    }

    /// Ends what is open, and sums up.
    func finish(from: Double, to: Double) -> BacktestResult.Stream {
        note(replay.end())
        let days = coverage.seconds / 86_400
        func perDay(_ count: Int) -> Double { days > 0 ? Double(count) / days : 0 }
        stream.windows = series.scores.count
        stream.first = Date(timeIntervalSince1970: from)
        stream.last = Date(timeIntervalSince1970: coverage.last)
        stream.covered = coverage.seconds
        stream.gaps = coverage.gaps(to: to)
        stream.perDay = perDay(stream.count)
        stream.threshold = series.threshold.map { Double($0) }
        stream.undecided = series.undecided
        stream.curve = series.scores.curve().map {
            BacktestResult.Point(threshold: Double($0.threshold), perDay: perDay($0.alerts))
        }
        if let threshold = series.scores.threshold(forAtMost: backtest.alertsPerDay * days), days > 0 {
            stream.proposed = BacktestResult.Proposal(
                alertsPerDay: backtest.alertsPerDay, threshold: Double(threshold))
        }
        stream.histogram = series.scores.histogram().map {
            BacktestResult.Histogram(low: Double($0.low), high: Double($0.high), counts: $0.counts)
        }
        return stream
    }
}

/// What of a span was watched.
private struct Coverage {
    /// Seconds without a frame from which on nothing was watched: of slow streams, four times the pause before.
    private var longest = 10.0
    private(set) var seconds = 0.0
    private(set) var last: Double
    private var found: [(from: Double, to: Double)] = []

    init(from: Double) { last = from }

    mutating func see(_ frame: RecordedFrame) {
        let step = frame.wallClock - last
        guard step > 0 else { return }
        if step <= longest { seconds += step } else { found.append((last, frame.wallClock)) }
        longest = max(10, min(4 * step, 86_400))
        last = frame.wallClock
    }

    /// The gaps in order; of too many, the longest.
    func gaps(to end: Double) -> [BacktestResult.Span] {
        var all = found
        if end - last > longest { all.append((last, end)) }
        let listed = all.sorted { $0.to - $0.from > $1.to - $1.from }.prefix(BacktestResult.Stream.mostListed)
        return listed.sorted { $0.from < $1.from }.map {
            BacktestResult.Span(
                from: Date(timeIntervalSince1970: $0.from), to: Date(timeIntervalSince1970: $0.to))
        }
    }
}
