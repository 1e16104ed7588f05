import CLIP
package import Foundation
package import Matching
package import Pixels
import Synchronization

/// Adding, removing and listing the engine's queries.
extension ScoringEngine {
    /// Adds a query, or replaces the one with the same id; returns the end messages of events that end.
    ///
    /// An open event continues if the new version matches the same windows; a cooldown always continues. A learnt
    /// threshold is kept if all that determines it is the same. `time` is for active hours.
    @discardableResult
    package func add(_ query: StandingQuery, _ embedding: QueryEmbedding, at time: Date = Date()) throws -> [Detection]
    {
        _ = try book.group(for: query)
        let old = book[query.id]
        let kept = old.map { old in
            old.query.isLearntLike(query) ? lanes.compactMapValues { $0.calibrations[old.slot] } : [:]
        }
        let isWatched = query.isWatched(at: time.timeIntervalSince1970)
        let goesOn = old.map { $0.query.isDecidedLike(query) && $0.isWatched && isWatched } ?? false
        let lanesOn = goesOn ? lanes.filter { query.settings.selector.matches($0.key, labels: $0.value.labels) } : [:]
        let going = old.map { old in lanesOn.compactMapValues { $0.take(old) } } ?? [:]
        let ended = remove(query.id, keepingGroup: old?.key == GroupKey(query), goingOn: Set(lanesOn.keys)) ?? []
        let standing = try book.add(query, embedding, at: time.timeIntervalSince1970)
        for (name, motion) in going { lanes[name]?.put(motion, standing) }
        for (name, calibration) in kept ?? [:] { lanes[name]?.calibrations[standing.slot] = calibration }
        if let old, !old.query.isLearntLike(query) { calibrationCache.forget(query: query.id) }
        calibrationCache.discardUnfit(query, model: model.historyIdentity)
        for lane in lanes.values { calibrationCache.give(standing, to: lane) }
        fitWindows()
        return hand(ended)
    }

    /// Adds many queries; returns the end messages of events that end, and the number of queries that were replaced.
    ///
    /// `unlearnt` has the ids of replaced queries whose learnt thresholds are no longer valid.
    package func add(
        _ queries: [(StandingQuery, QueryEmbedding)]
    ) throws -> (ended: [Detection], replaced: Int, unlearnt: [String]) {
        var ended: [Detection] = []
        var replaced = 0
        var unlearnt: [String] = []
        for (query, embedding) in queries {
            if let old = book[query.id]?.query {
                replaced += 1
                if !old.isLearntLike(query) { unlearnt.append(query.id) }
            }
            ended += try add(query, embedding)
        }
        return (ended, replaced, unlearnt)
    }

    /// Embeds a query and adds it; `truncated` is true if a text was cut to the model's context length.
    @discardableResult
    package func add(_ query: StandingQuery, pictures: [Picture] = []) throws -> (truncated: Bool, ended: [Detection]) {
        let embedding = try embed(query, pictures: pictures)
        return (embedding.truncated, try add(query, embedding))
    }

    /// Removes a query, and returns the end messages of its open events; nil if there is no such query.
    package func remove(_ id: String) -> [Detection]? {
        calibrationCache.forget(query: id)
        let group = book[id]?.query.settings.group
        defer {
            for lane in lanes.values { lane.forgetLastEnd(of: id) }
            for name in lastEnds.keys { _ = lastEnds[name]?.take(query: id) }
            if let group, !book.hasMembers(of: group) {
                for lane in lanes.values { lane.forget(group: group) }
                for name in lastEnds.keys { _ = lastEnds[name]?.take(group: group) }
            }
            lastEnds = lastEnds.filter { !$0.value.isEmpty }
            fitWindows()
        }
        return remove(id, keepingGroup: false).map { hand($0) }
    }

    /// Removes a query and ends its events, except on the lanes (streams and regions) in `goingOn`.
    private func remove(_ id: String, keepingGroup: Bool, goingOn: Set<String> = []) -> [Detection]? {
        guard let standing = book[id] else { return nil }
        var ended: [Detection] = []
        for name in lanes.keys.sorted() {
            guard let lane = lanes[name] else { continue }
            if !goingOn.contains(name) { ended += lane.drop(standing, book, model: model.identity) }
            lane.calibrations[standing.slot] = nil
        }
        _ = book.remove(id, keepingGroup: keepingGroup)
        if book.groups[standing.key] == nil { for lane in lanes.values { lane.forget(standing.key) } }
        return ended
    }

    package func query(_ id: String) -> StandingQuery? { book[id]?.query }
    /// Returns those registered queries that have one of the ids, by id.
    package func queries(ids: [String]) -> [String: StandingQuery] {
        Dictionary(ids.compactMap { id in book[id].map { (id, $0.query) } }) { $1 }
    }
    /// All queries, sorted by id; they are sorted outside the engine's thread, on which frames wait.
    package nonisolated var allQueries: [StandingQuery] { get async { await unsorted.sorted { $0.id < $1.id } } }
    private var unsorted: [StandingQuery] { book.all }
    /// Returns at most `limit` queries, sorted by id, that follow a given id; for lists in pages.
    package nonisolated func queries(after id: String, limit: Int) async -> [StandingQuery] {
        let known = sortedIDs.withLock { $0 }
        guard let (revision, unsorted) = await ids(unless: known.revision) else {
            return await queries(known.ids.drop { $0 <= id }, limit: limit)
        }
        let ids = unsorted.sorted()
        sortedIDs.withLock { $0 = (revision, ids) }
        return await queries(ids.drop { $0 <= id }, limit: limit)
    }
    private func ids(unless revision: Int) -> (revision: Int, unsorted: [String])? {
        revision == book.revision ? nil : (revision: book.revision, unsorted: book.allIDs)
    }
    private func queries(_ ids: ArraySlice<String>, limit: Int) -> [StandingQuery] {
        Array(ids.lazy.compactMap { self.book[$0]?.query }.prefix(limit))
    }
    package var queryCount: Int { book.count }

    /// Fits the frame buffers of all streams and regions to the longest window of all queries; the newest frames are
    /// kept.
    private func fitWindows() {
        let capacity = windowCapacity
        for lane in lanes.values where lane.window.capacity != capacity { lane.fitWindow(to: capacity) }
    }
}
