package import Foundation

/// A message every few seconds with the newest number; topic `heartbeat`, itself not numbered.
package struct HeartbeatMessage: Codable, Sendable, Equatable {
    package var v = 1
    /// The number of the newest published message.
    package let seq: Int64
    /// The identity of the journal that numbers the messages; another identity means that numbers began anew.
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
