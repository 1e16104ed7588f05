import Matching

/// The wall-clock ends of the last events of a lane, so that cooldowns continue after a restart.
///
/// They serve when the query, the stream or the daemon returns.
struct LastEnds {
    /// The ends in seconds since 1970, by query.
    private(set) var queries: [String: Double] = [:]
    /// The ends and the cooldowns of groups.
    private(set) var groups: [String: (end: Double, cooldown: Double)] = [:]

    mutating func note(query id: String, _ end: Double) { queries[id] = max(queries[id] ?? end, end) }

    mutating func note(group name: String, _ end: Double, cooldown: Double) {
        guard let known = groups[name] else { return groups[name] = (end, cooldown) }
        groups[name] = (max(known.end, end), max(known.cooldown, cooldown))
    }

    mutating func take(query id: String) -> Double? { queries.removeValue(forKey: id) }
    mutating func take(group name: String) -> (end: Double, cooldown: Double)? { groups.removeValue(forKey: name) }

    mutating func merge(_ other: LastEnds) {
        for (id, end) in other.queries { note(query: id, end) }
        for (name, last) in other.groups { note(group: name, last.end, cooldown: last.cooldown) }
    }
}

/// The end of an event that was sent before this process started.
package struct EndedEvent: Sendable, Equatable {
    package let query: String
    /// The event's group; nil if it was the query's own event.
    package let group: String?
    package let lane: String
    /// The end in seconds since 1970.
    package let end: Double

    package init(query: String, group: String?, lane: String, end: Double) {
        (self.query, self.group, self.lane, self.end) = (query, group, lane, end)
    }
}

extension StandingQuery {
    /// Whether another query would match the same windows, so that the state of this one's events holds for it.
    func isDecidedLike(_ other: StandingQuery) -> Bool {
        let (policy, theirs) = (settings.policy, other.settings.policy)
        return isLearntLike(other) && settings.group == other.settings.group && policy.needed == theirs.needed
            && policy.windows == theirs.windows
    }
}

extension RegisteredQuery {
    /// Whether the other query is this one, or replaced it and matches the same windows.
    func decidesLike(_ other: RegisteredQuery) -> Bool {
        self === other || query.id == other.query.id && other.query.isDecidedLike(query)
    }
}
