package import Foundation

/// A message about a learnt threshold, pinned or moved, topic `threshold.<stream>.<query-id>`.
///
/// A learnt threshold never changes without such a message.
package struct ThresholdMessage: Codable, Sendable, Equatable {
    package var v = 1
    package let seq: Int64
    package let prev: Int64?
    package let query: String
    package let stream: String
    /// The version: 1 at first, one more for each change.
    package let version: Int
    package let threshold: Double
    /// The threshold before the change; nil for the first.
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
