package import Foundation
import History

/// The alerts that a query would have given over a span of history.
///
/// Its JSON is the answer of `query.backtest`; all times are wall-clock times.
package struct BacktestResult: Sendable, Codable {
    package struct Alert: Sendable, Codable, Equatable {
        package let start: Date
        package let end: Date
        /// The end of the best window.
        package let peak: Date
        package let score: Double
    }
    package struct Span: Sendable, Codable, Equatable {
        package let from: Date
        package let to: Date
    }
    package struct Point: Sendable, Codable, Equatable {
        package let threshold: Double
        package let perDay: Double
        enum CodingKeys: String, CodingKey { case threshold, perDay = "per_day" }
    }
    package struct Proposal: Sendable, Codable, Equatable {
        package let alertsPerDay: Double
        package let threshold: Double
        enum CodingKeys: String, CodingKey { case threshold, alertsPerDay = "alerts_per_day" }
    }
    package struct Histogram: Sendable, Codable, Equatable {
        package let low: Double
        package let high: Double
        package let counts: [Int]
    }

    /// The result on one lane.
    package struct Stream: Sendable, Codable {
        package let stream: String
        package var windows = 0
        /// The time of the first frame within the span; `last` is that of the last.
        ///
        /// Nil without frames.
        package var first: Date?
        package var last: Date?
        /// The seconds that were watched.
        package var covered = 0.0
        /// The gaps in which nothing was watched, in order; if there are more than `mostListed`, the longest of them.
        package var gaps: [Span] = []
        /// The newest `mostListed` alerts, in order.
        package var alerts: [Alert] = []
        /// The number of all alerts, unlisted ones included.
        package var count = 0
        package var perDay = 0.0
        /// The threshold that windows were compared with; nil if a budget's threshold was never learnt.
        package var threshold: Double?
        package var curve: [Point] = []
        package var proposed: Proposal?
        package var histogram: Histogram?
        package var undecided = 0

        package static let mostListed = 1000

        package init(_ name: String) { stream = name }

        enum CodingKeys: String, CodingKey {
            case stream, windows, first, last, gaps, alerts, count, threshold, curve, proposed, histogram, undecided
            case covered = "covered_s"
            case perDay = "per_day"
        }
    }

    package var from: Date
    package var to: Date
    package var streams: [Stream] = []
    /// The number of windows whose value is within the history's own error of the threshold.
    package var undecided = 0
    /// Sentences about parts of the history that could not be read.
    package var skipped: [String] = []
    /// Whether the backtest was cancelled, so that streams are missing, or end early.
    package var isCancelled = false

    package init(from: Date, to: Date) { (self.from, self.to) = (from, to) }

    enum CodingKeys: String, CodingKey {
        case from, to, streams, undecided, skipped
        case isCancelled = "cancelled"
    }
}
