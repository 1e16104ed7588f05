package import Foundation

/// A message about a person's verdict (right or wrong) on an event; its topic is `verdict.<stream>.<query-id>`.
package struct VerdictMessage: Codable, Sendable, Equatable {
    package var v = 1
    package let seq: Int64
    package let prev: Int64?
    package let event: String
    package let query: String
    package let stream: String
    /// The verdict, "right" or "wrong"; nil if the person withdrew it.
    package let verdict: String?
    /// The number of the query's events marked right so far; `wrong` is the number of those marked wrong.
    package let right: Int
    package let wrong: Int
    package let at: Date

    package init(
        seq: Int64, prev: Int64?, event: String, query: String, stream: String, verdict: String?, right: Int,
        wrong: Int, at: Date
    ) {
        (self.seq, self.prev, self.event, self.query, self.stream) = (seq, prev, event, query, stream)
        (self.verdict, self.right, self.wrong, self.at) = (verdict, right, wrong, at)
    }
}
