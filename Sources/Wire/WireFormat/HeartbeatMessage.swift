package import Foundation

/// A message each few seconds that tells subscribers the newest number; topic `heartbeat`, not numbered itself.
package struct HeartbeatMessage: Codable, Sendable, Equatable {
    package var v = 1
    /// Number of the newest published message.
    package let seq: Int64
    /// Identity of the journal that numbers come from: with another one they began anew.
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
