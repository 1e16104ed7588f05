package import Foundation

/// What somebody said of an event, topic `verdict.<stream>.<query-id>`.
package struct VerdictMessage: Codable, Sendable, Equatable {
    package var v = 1
    package let seq: Int64
    package let prev: Int64?
    package let event: String
    package let query: String
    package let stream: String
    /// `right` or `wrong`; nil where it was taken back.
    package let verdict: String?
    /// Events of the query that have been called right and wrong so far.
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
