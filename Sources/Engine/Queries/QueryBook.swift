import Heads
import Matching

/// All registered queries, by id, by number, and in groups that have the same scoring model and window length.
///
/// Not Sendable: only the engine or a replay uses it.
final class QueryBook {
    private var slots: [RegisteredQuery?] = []
    private var free: [Slot] = []
    private var ids: [String: Slot] = [:]
    private(set) var groups: [GroupKey: QueryGroup] = [:]
    /// The number of queries in each group of queries that share an event, by the group's name.
    private var members: [String: Int] = [:]
    /// The queries with active hours or an expiry; `nextChange` is the first time at which one of them starts or stops.
    private var timed: Set<Slot> = []
    private var nextChange: Double?
    /// The queries that have expired, which become active again if the clock is set back.
    private var expired: Set<Slot> = []
    /// The latest time at which queries were activated and deactivated; `nextChange` holds from then on.
    private var refreshed = -Double.infinity
    private let makeGroup: (GroupKey) throws -> QueryGroup
    /// The scoring models and window lengths that `check` found to be usable; there are few, and models stay loaded.
    private var checked: Set<GroupKey> = []

    init(makeGroup: @escaping (GroupKey) throws -> QueryGroup) { self.makeGroup = makeGroup }

    var count: Int { ids.count }
    /// All queries, in no order.
    var all: [StandingQuery] { slots.compactMap { $0?.query } }
    var allIDs: [String] { Array(ids.keys) }
    /// A number that changes whenever a query is added or removed.
    private(set) var revision = 0
    /// The longest window of all queries, in frames; 0 without queries.
    var longestWindow: Int { groups.keys.map(\.frames).max() ?? 0 }

    /// Returns true if a query belongs to the group of this name, whose queries share an event.
    func hasMembers(of group: String) -> Bool { members[group] != nil }

    subscript(id: String) -> RegisteredQuery? { ids[id].flatMap { slots[Int($0)] } }
    subscript(slot: Slot) -> RegisteredQuery? { slots.indices.contains(Int(slot)) ? slots[Int(slot)] : nil }

    /// Throws if a query's scoring model cannot be used; adds nothing, since each frame is scored for every group.
    func check(_ query: StandingQuery) throws {
        let key = GroupKey(query)
        guard groups[key] == nil, !checked.contains(key) else { return }
        _ = try makeGroup(key)
        checked.insert(key)
    }

    /// Returns the group of queries that a query is scored with, or makes it; throws if its scoring model cannot be
    /// used.
    ///
    /// Call this only if the query is then added: a group without queries would be scored, too. Call it before any
    /// other change, so that an error leaves nothing half done.
    func group(for query: StandingQuery) throws -> QueryGroup {
        let key = GroupKey(query)
        if let group = groups[key] { return group }
        let group = try makeGroup(key)
        groups[key] = group
        return group
    }

    /// Adds a query, in a time that does not depend on the number of queries; remove one with the same id before.
    ///
    /// `time`, in seconds since 1970, decides whether the query is active now. Throws if its head (the plugin that
    /// scores windows) cannot be used.
    func add(_ query: StandingQuery, _ embedding: QueryEmbedding, at time: Double) throws -> RegisteredQuery {
        let group = try group(for: query)
        let slot = free.popLast() ?? Slot(slots.count)
        if slot == slots.count { slots.append(nil) }
        let standing = RegisteredQuery(
            query, slot: slot, contrasts: embedding.contrasts, isWatched: query.isWatched(at: time))
        slots[Int(slot)] = standing
        ids[query.id] = slot
        revision += 1
        if let name = query.settings.group { members[name, default: 0] += 1 }
        group.add(standing, embedding)
        follow(standing, after: time)
        // If the clock was set back meanwhile, `refresh` must still see that.
        refreshed = max(refreshed, time)
        return standing
    }

    /// Notes the time after `time` at which a query starts or stops, or that it has expired.
    private func follow(_ standing: RegisteredQuery, after time: Double) {
        if let change = standing.query.nextChange(after: time) {
            timed.insert(standing.slot)
            nextChange = min(nextChange ?? change, change)
        } else {
            timed.remove(standing.slot)
            if standing.query.isExpired(at: time) { expired.insert(standing.slot) }
        }
    }

    /// Removes a query, in a time that does not depend on the number of queries.
    ///
    /// Its group (queries scored together) is removed, too, if it is now empty and not `keepingGroup`.
    func remove(_ id: String, keepingGroup: Bool = false) -> RegisteredQuery? {
        guard let slot = ids.removeValue(forKey: id), let standing = slots[Int(slot)] else { return nil }
        slots[Int(slot)] = nil
        revision += 1
        free.append(slot)
        timed.remove(slot)
        expired.remove(slot)
        if let name = standing.query.settings.group, let count = members[name] {
            members[name] = count > 1 ? count - 1 : nil
        }
        groups[standing.key]?.remove(standing)
        if !keepingGroup, groups[standing.key]?.isEmpty == true { groups[standing.key] = nil }
        return standing
    }

    /// The time before which no query starts or stops, from `time` on; `time` itself if the clock was set back to it.
    func nextChange(from time: Double) -> Double { time < refreshed ? time : nextChange ?? .infinity }

    /// Activates and deactivates queries by their active hours and expiry; returns the queries that became inactive.
    ///
    /// It does so at the next change, and whenever the clock was set back.
    func refresh(at time: Double) -> [RegisteredQuery] {
        let isSetBack = time < refreshed
        refreshed = time
        guard isSetBack || time >= nextChange ?? .infinity else { return [] }
        if isSetBack {
            timed.formUnion(expired)
            expired = []
        }
        var left: [RegisteredQuery] = []
        nextChange = nil
        for slot in timed {
            guard let standing = slots[Int(slot)] else { continue }
            let isWatched = standing.query.isWatched(at: time)
            if isWatched != standing.isWatched {
                standing.isWatched = isWatched
                groups[standing.key]?.setWatched(standing, isWatched)
                if !isWatched { left.append(standing) }
            }
            follow(standing, after: time)
        }
        return left
    }
}
