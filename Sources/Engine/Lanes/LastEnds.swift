import Matching

/// The ends of the last events of a lane (a stream or region), from which cooldowns continue.
///
/// They are used when a query, a stream or the daemon returns after it was removed or stopped.
struct LastEnds {
    /// The end of each query's last event, in seconds since 1970.
    private(set) var queries: [String: Double] = [:]
    /// For each group of queries, the end of its last event (seconds since 1970) and its cooldown (seconds).
    private(set) var groups: [String: (end: Double, cooldown: Double)] = [:]

    mutating func note(query id: String, _ end: Double) { queries[id] = max(queries[id] ?? end, end) }

    mutating func note(group name: String, _ end: Double, cooldown: Double) {
        guard let known = groups[name] else { return groups[name] = (end, cooldown) }
        groups[name] = (max(known.end, end), max(known.cooldown, cooldown))
    }

    mutating func take(query id: String) -> Double? { queries.removeValue(forKey: id) }
    mutating func take(group name: String) -> (end: Double, cooldown: Double)? { groups.removeValue(forKey: name) }

    var isEmpty: Bool { queries.isEmpty && groups.isEmpty }

    /// Forgets the groups of queries for which `isKept` returns false.
    mutating func keepGroups(where isKept: (String) -> Bool) { groups = groups.filter { isKept($0.key) } }

    mutating func merge(_ other: LastEnds) {
        for (id, end) in other.queries { note(query: id, end) }
        for (name, last) in other.groups { note(group: name, last.end, cooldown: last.cooldown) }
    }
}

/// The end of an event that was published before this process started.
package struct EndedEvent: Sendable, Equatable {
    package let query: String
    /// The group of queries that had the event; nil if the query itself had it.
    package let group: String?
    package let lane: String
    /// The event's end, in seconds since 1970.
    package let end: Double

    package init(query: String, group: String?, lane: String, end: Double) {
        (self.query, self.group, self.lane, self.end) = (query, group, lane, end)
    }
}

extension RegisteredQuery {
    /// Returns true if the other query is this one, or is a new version of it that matches the same windows.
    func decidesLike(_ other: RegisteredQuery) -> Bool {
        self === other || query.id == other.query.id && other.query.isDecidedLike(query)
    }
}
