import Foundation
package import Journal
package import WireFormat

/// A phase of an event, as a notifier reads it from the journal.
package struct Alert: Sendable, Equatable {
    package let seq: Int64
    package let message: MatchMessage
    /// The message as it was published.
    package let body: JSONValue

    /// Reads a message; nil for messages of other kinds, and for one that cannot be read.
    package init?(_ entry: Entry) {
        guard entry.topic.hasPrefix(Topic.matches),
            let message = try? WireCoding.decode(MatchMessage.self, entry.body),
            let body = try? JSONText.parse(entry.body)
        else { return nil }
        seq = entry.seq
        self.message = message
        self.body = body
    }

    /// The time of the alert: the end of its last window, in seconds since 1970.
    package var time: Double { message.end.timeIntervalSince1970 }
}
