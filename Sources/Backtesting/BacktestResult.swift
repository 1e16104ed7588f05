package import Foundation
import History

/// The alerts that a query would have given during a recorded time.
///
/// Its JSON is the answer of the operation `query.backtest`; all times are wall-clock times.
package struct BacktestResult: Sendable, Codable {
    package struct Alert: Sendable, Codable, Equatable {
        package let start: Date
        package let end: Date
        /// The time of the last frame in the window with the highest score.
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

    /// The result for one stream, or one region of a stream.
    package struct Stream: Sendable, Codable {
        package let stream: String
        package var windows = 0
        /// The beginning of the tested time, or of the recording; `last` is the time of the last frame.
        ///
        /// Both are nil if nothing was recorded.
        package var first: Date?
        package var last: Date?
        /// The time that the recording covers, in seconds; hours in which the query is not active count too.
        package var covered = 0.0
        /// The gaps in which no frames were recorded, in order; only the longest `mostListed` are listed.
        package var gaps: [Span] = []
        /// The newest alerts in order; at most `mostListed` of them.
        package var alerts: [Alert] = []
        /// The number of all alerts, including those that `alerts` does not list.
        package var count = 0
        /// The number of alerts for each day of `covered`.
        package var perDay = 0.0
        /// The threshold that scores were compared with; nil if it should have been learnt and could not be.
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
    /// The number of windows whose score is too close to the threshold to be certain.
    ///
    /// Scores of recorded frames have rounding errors.
    package var undecided = 0
    /// Messages about parts of the recordings that could not be read.
    package var skipped: [String] = []
    /// True if the backtest was cancelled, so that results of streams are missing or end early.
    package var isCancelled = false

    package init(from: Date, to: Date) { (self.from, self.to) = (from, to) }

    enum CodingKeys: String, CodingKey {
        case from, to, streams, undecided, skipped
        case isCancelled = "cancelled"
    }
}
