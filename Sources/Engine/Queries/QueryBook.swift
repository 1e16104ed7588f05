import Heads
import Matching

/// All registered queries: by id, by slot, and in groups of one head and window length.
///
/// Not Sendable: it belongs to the engine.
final class QueryBook {
    private var slots: [RegisteredQuery?] = []
    private var free: [Slot] = []
    private var ids: [String: Slot] = [:]
    private(set) var groups: [GroupKey: QueryGroup] = [:]
    /// The queries with active hours or expiry, and the first moment at which one of them may change.
    private var timed: Set<Slot> = []
    private(set) var nextChange: Double?
    private let makeGroup: (GroupKey) throws -> QueryGroup

    init(makeGroup: @escaping (GroupKey) throws -> QueryGroup) { self.makeGroup = makeGroup }

    var count: Int { ids.count }
    var all: [StandingQuery] { slots.compactMap { $0?.query }.sorted { $0.id < $1.id } }
    /// The longest window that a query uses; 0 without queries.
    var longestWindow: Int { groups.keys.map(\.frames).max() ?? 0 }

    subscript(id: String) -> RegisteredQuery? { ids[id].flatMap { slots[Int($0)] } }
    subscript(slot: Slot) -> RegisteredQuery? { slots.indices.contains(Int(slot)) ? slots[Int(slot)] : nil }

    /// Returns the query's group, or makes one; throws if its head cannot be used with this model.
    ///
    /// The caller does this first, so that nothing is half done later.
    func group(for query: StandingQuery) throws -> QueryGroup {
        let key = GroupKey(query)
        if let group = groups[key] { return group }
        let group = try makeGroup(key)
        groups[key] = group
        return group
    }

    /// Adds a query; O(d).
    ///
    /// The caller has removed any query of the same id.
    func add(_ query: StandingQuery, _ embedding: QueryEmbedding, at time: Double) throws -> RegisteredQuery {
        let group = try group(for: query)
        let slot = free.popLast() ?? Slot(slots.count)
        if slot == slots.count { slots.append(nil) }
        let standing = RegisteredQuery(
            query, slot: slot, contrasts: embedding.contrasts, isWatched: query.isWatched(at: time))
        slots[Int(slot)] = standing
        ids[query.id] = slot
        group.add(standing, embedding)
        if let change = query.nextChange(after: time) {
            timed.insert(slot)
            nextChange = min(nextChange ?? change, change)
        }
        return standing
    }

    /// Removes a query; O(d).
    ///
    /// An empty group is removed, too, unless `keepingGroup`.
    func remove(_ id: String, keepingGroup: Bool = false) -> RegisteredQuery? {
        guard let slot = ids.removeValue(forKey: id), let standing = slots[Int(slot)] else { return nil }
        slots[Int(slot)] = nil
        free.append(slot)
        timed.remove(slot)
        groups[standing.key]?.remove(standing)
        if !keepingGroup, groups[standing.key]?.isEmpty == true { groups[standing.key] = nil }
        return standing
    }

    /// Applies active hours and expiry at a moment; returns the queries that are no longer watched.
    func refresh(at time: Double) -> [RegisteredQuery] {
        guard let due = nextChange, time >= due else { return [] }
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
            guard let change = standing.query.nextChange(after: time) else {
                timed.remove(slot)
                continue
            }
            nextChange = min(nextChange ?? change, change)
        }
        return left
    }
}
