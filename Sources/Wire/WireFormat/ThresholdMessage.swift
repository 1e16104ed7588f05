package import Foundation

/// A message about a query's learnt threshold that was set or changed; its topic is `threshold.<stream>.<query-id>`.
///
/// Every change of a learnt threshold is announced by such a message.
package struct ThresholdMessage: Codable, Sendable, Equatable {
    package var v = 1
    package let seq: Int64
    package let prev: Int64?
    package let query: String
    package let stream: String
    /// The version of the threshold: 1 for the first one, and one more for each change.
    package let version: Int
    package let threshold: Double
    /// The threshold before the change; nil for the first one.
    package let previous: Double?
    package let why: String
    package let at: Date

    package init(
        seq: Int64, prev: Int64?, query: String, stream: String, version: Int, threshold: Double, previous: Double?,
        why: String, at: Date
    ) {
        self.seq = seq
        self.prev = prev
        self.query = query
        self.stream = stream
        self.version = version
        self.threshold = threshold
        self.previous = previous
        self.why = why
        self.at = at
    }
}
