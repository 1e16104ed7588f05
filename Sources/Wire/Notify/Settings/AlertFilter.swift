package import Matching
package import WireFormat

/// Selects the events and phases that a notifier sends.
package struct AlertFilter: Sendable, Equatable {
    package enum Phase: String, Sendable, CaseIterable { case start, update, end }

    /// The ids of queries; nil means all.
    package var queries: Set<String>?
    /// The streams and regions; nil means all.
    package var streams: StreamSelector?
    /// Tags, one of which the query must have; nil means any query.
    package var tags: Set<String>?
    package var phases = Set(Phase.allCases)

    package init() {}

    package func passes(_ message: MatchMessage) -> Bool {
        guard let phase = Phase(rawValue: message.phase), phases.contains(phase) else { return false }
        return isAbout(message)
    }

    /// Whether it is about the message's query and stream, whatever the phase.
    package func isAbout(_ message: MatchMessage) -> Bool {
        if let queries, !queries.contains(message.query.id) { return false }
        if let streams, !streams.matches(message.stream) { return false }
        if let tags, tags.isDisjoint(with: message.query.tags) { return false }
        return true
    }
}
