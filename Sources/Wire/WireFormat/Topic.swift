/// The topics of messages; subscribers choose messages by the beginning of their topic.
package enum Topic {
    /// The prefix of the topics of all events.
    package static let matches = "match."
    /// The heartbeat with the newest number; itself not numbered.
    package static let heartbeat = "heartbeat"
    /// Stands in a replay for messages that no longer exist.
    package static let lost = "lost"
    /// In a fleet's log: messages of a node that the log does not have.
    package static func lost(node: String) -> String { "\(lost).\(node)" }
    /// The first server-sent event of a connection, if the journal continues another one.
    package static let journal = "journal"

    /// The events of a query on a stream.
    package static func match(stream: String, query: String) -> String { "\(matches)\(stream).\(query)" }

    /// The changes of a query's learnt threshold on a stream.
    package static func threshold(stream: String, query: String) -> String { "threshold.\(stream).\(query)" }

    /// The verdicts on the events of a query on a stream.
    package static func verdict(stream: String, query: String) -> String { "verdict.\(stream).\(query)" }

    /// The states of a stream.
    package static func stream(_ name: String) -> String { "stream.\(name)" }
}
