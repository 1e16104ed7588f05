package import Foundation
import History

/// Alerts that a query would have given over a span of history.
///
/// Its JSON is the answer of `query.backtest`; times are wall-clock times.
package struct BacktestResult: Sendable, Codable {
    package struct Alert: Sendable, Codable, Equatable {
        package let start: Date
        package let end: Date
        /// End of the best window.
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

    /// The result on one stream, or on a region of one.
    package struct Stream: Sendable, Codable {
        package let stream: String
        package var windows = 0
        /// The first and the last frame within the span; nil where there is none.
        package var first: Date?
        package var last: Date?
        /// Seconds that were watched.
        package var covered = 0.0
        /// Where nothing was watched, the longest first if there are more than `mostListed`; then in order.
        package var gaps: [Span] = []
        /// Alerts in order, the newest `mostListed` of them.
        package var alerts: [Alert] = []
        /// All of them, those that are not listed too.
        package var count = 0
        package var perDay = 0.0
        /// Threshold that windows were compared with; nil while a budget's threshold was never learnt.
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
    /// Windows whose value lies within the history's own error of what it was compared with.
    package var undecided = 0
    /// Sentences about what could not be read.
    package var skipped: [String] = []
    /// Whether it was given up before its end: then streams are missing, or end early.
    package var isCancelled = false

    package init(from: Date, to: Date) { (self.from, self.to) = (from, to) }

    enum CodingKeys: String, CodingKey {
        case from, to, streams, undecided, skipped
        case isCancelled = "cancelled"
    }
}
