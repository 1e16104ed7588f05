/// Makes the topics of published messages; a subscriber chooses messages by the first characters of their topics.
package enum Topic {
    /// The prefix of the topics of all messages about events (matches of queries).
    package static let matches = "match."
    /// The topic of heartbeats, which have the number of the newest message and none of their own.
    package static let heartbeat = "heartbeat"
    /// The topic of a message that takes the place of messages that the journal no longer has.
    package static let lost = "lost"
    /// Returns the topic of a message of a fleet's log that stands for messages which a node has lost.
    package static func lost(node: String) -> String { "\(lost).\(node)" }
    /// The kind of the first server-sent event of a connection, sent if the journal continues an earlier one.
    package static let journal = "journal"

    /// Returns the topic of the messages about a query's events on a stream.
    package static func match(stream: String, query: String) -> String { "\(matches)\(stream).\(query)" }

    /// Returns the topic of the messages about changes of a query's learnt threshold on a stream.
    package static func threshold(stream: String, query: String) -> String { "threshold.\(stream).\(query)" }

    /// Returns the topic of the messages about people's verdicts (right or wrong) on a query's events on a stream.
    package static func verdict(stream: String, query: String) -> String { "verdict.\(stream).\(query)" }

    /// Returns the topic of the messages about changes of a stream's state.
    package static func stream(_ name: String) -> String { "stream.\(name)" }
}
