/// Topics of messages: by their beginnings, subscribers choose what they hear.
package enum Topic {
    /// Beginning of the topics of all events.
    package static let matches = "match."
    /// How far a subscriber should have come; not numbered.
    package static let heartbeat = "heartbeat"
    /// In a replay, the place of messages that are not there any more.
    package static let lost = "lost"
    /// First of server-sent events whose journal goes on from another one.
    package static let journal = "journal"

    /// Events of a query on a stream.
    package static func match(stream: String, query: String) -> String { "\(matches)\(stream).\(query)" }

    /// Changes of a query's learnt threshold on a stream.
    package static func threshold(stream: String, query: String) -> String { "threshold.\(stream).\(query)" }

    /// Verdicts on the events of a query on a stream.
    package static func verdict(stream: String, query: String) -> String { "verdict.\(stream).\(query)" }

    /// States of a stream.
    package static func stream(_ name: String) -> String { "stream.\(name)" }
}
