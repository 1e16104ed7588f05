package import Foundation

/// What tells a subscriber, every some seconds, how far it should have come; topic `heartbeat`, not numbered itself.
package struct HeartbeatMessage: Codable, Sendable, Equatable {
    package var v = 1
    /// Of the newest message that was published.
    package let seq: Int64
    /// Of the journal that numbers come from: with another one they began anew.
    package let journal: String
    package let journaled: Bool
    package let at: Date

    package init(seq: Int64, journal: String, journaled: Bool, at: Date) {
        self.seq = seq
        self.journal = journal
        self.journaled = journaled
        self.at = at
    }
}
