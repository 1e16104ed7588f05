package import Foundation

/// A message that the daemon publishes every 10 s on the topic `heartbeat`, with the number of the newest message.
///
/// Heartbeats have no number of their own.
package struct HeartbeatMessage: Codable, Sendable, Equatable {
    package var v = 1
    /// The number of the newest message that was published before this heartbeat.
    package let seq: Int64
    /// The identity of the journal that numbers the messages; if it changes, the numbers have started again.
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
