import Engine
import Foundation
import Matching

/// Collects a backtest's result for one stream or region: its alerts, and the time that the recording covers.
struct LaneResult {
    private var stream: BacktestResult.Stream
    private var coverage: Coverage

    /// Begins the result of a stream or region; `start` is the time of the first frame in seconds since 1970.
    init(_ name: String, start: Double) {
        stream = BacktestResult.Stream(name)
        coverage = Coverage(from: start)
    }

    /// The time that the recording covers, in days, whether or not the query is active then.
    ///
    /// So alerts a day are what a person gets in a day, also from a query that is active in some hours only.
    var days: Double { coverage.seconds / 86_400 }

    mutating func see(frameAt wall: Double) { coverage.see(wall) }

    mutating func note(_ detections: [Detection]) {
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

    /// Returns the backtest's result for this stream or region.
    ///
    /// `from` and `to` are in seconds since 1970. `alertsPerDay` is the number of alerts for which a threshold is
    /// proposed.
    func finish(
        _ series: ScoreSeries, threshold: Float?, undecided: Int, alertsPerDay: Double, from: Double, to: Double
    ) -> BacktestResult.Stream {
        var stream = stream
        func perDay(_ count: Int) -> Double { days > 0 ? Double(count) / days : 0 }
        stream.windows = series.count
        stream.first = Date(timeIntervalSince1970: from)
        stream.last = Date(timeIntervalSince1970: coverage.last)
        stream.covered = coverage.seconds
        stream.gaps = coverage.gaps(to: to)
        stream.perDay = perDay(stream.count)
        stream.threshold = threshold.map { Double($0) }
        stream.undecided = undecided
        stream.curve = series.curve().map {
            BacktestResult.Point(threshold: Double($0.threshold), perDay: perDay($0.alerts))
        }
        if let threshold = series.threshold(forAtMost: alertsPerDay * days), days > 0 {
            stream.proposed = BacktestResult.Proposal(alertsPerDay: alertsPerDay, threshold: Double(threshold))
        }
        stream.histogram = series.histogram().map {
            BacktestResult.Histogram(low: Double($0.low), high: Double($0.high), counts: $0.counts)
        }
        return stream
    }
}

/// The time that a recording covers, and the gaps between its frames.
private struct Coverage {
    /// The longest pause between frames, in seconds, that is no gap: four times the previous pause, from 10 s to a day.
    private var longest = 10.0
    private(set) var seconds = 0.0
    private(set) var last: Double
    private var found: [(from: Double, to: Double)] = []

    init(from: Double) { last = from }

    mutating func see(_ wall: Double) {
        let step = wall - last
        guard step > 0 else { return }
        if step <= longest { seconds += step } else { found.append((last, wall)) }
        longest = max(10, min(4 * step, 86_400))
        last = wall
    }

    /// Returns the gaps between frames until `end`, in order; only the longest are listed if there are too many.
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
