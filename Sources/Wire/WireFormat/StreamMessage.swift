package import Foundation

/// A message about a change of a stream's state; its topic is `stream.<name>`.
package struct StreamMessage: Codable, Sendable, Equatable {
    package var v = 1
    package let seq: Int64
    package let prev: Int64?
    package let stream: String
    package let state: String
    package let reason: String?
    package let at: Date

    package init(seq: Int64, prev: Int64?, stream: String, state: String, reason: String?, at: Date) {
        self.seq = seq
        self.prev = prev
        self.stream = stream
        self.state = state
        self.reason = reason
        self.at = at
    }
}
