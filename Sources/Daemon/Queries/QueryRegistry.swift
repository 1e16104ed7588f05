import CLIP
import Concurrency
package import ControlAPI
package import Engine
import Foundation
import Journal
package import Logging
package import Matching
import Pixels
package import Publishing
import Synchronization
package import WatchwordConfiguration
package import WireFormat

/// The daemon's standing queries: parsed, embedded, saved in the journal, and given to the engine.
///
/// Descriptions are embedded while scoring continues, one text at a time between batches. Then changes are made one
/// after the other, so that journal and engine agree even with concurrent requests. It runs on its own executor, since
/// parsing a hundred thousand queries and decoding their pictures would block the cooperative pool.
package actor QueryRegistry {
    private let executor = QueueExecutor(label: "watchword.queries")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    let engine: ScoringEngine
    let outbox: Outbox
    let defaults: Defaults
    let logger: Logger
    /// Delivers events that end because their query was removed or changed.
    let deliver: @Sendable ([Detection]) async -> Void
    /// Called with newly registered queries that have a budget: a history may give their thresholds.
    let onBudgets: @Sendable ([EmbeddedQuery]) -> Void
    let turns = SerialTaskQueue(on: .bulk)
    let progress = Mutex<Progress?>(nil)
    /// The configuration's queries, by id.
    private(set) var files: [String: QueryConfiguration] = [:]
    /// The ids of the queries in the journal.
    var kept: Set<String> = []

    package struct Progress: Codable, Sendable, Equatable {
        package var done: Int
        package let total: Int
    }

    /// The result of adding or changing a query.
    package enum Change: String, Codable, Sendable {
        case added
        case replaced
        /// The same query exists already, and continues.
        case unchanged
    }

    package struct Added: Sendable {
        package let query: StandingQuery
        package let truncated: Bool
        package let change: Change
    }

    /// The result of an import.
    package struct Imported: Codable, Sendable, Equatable {
        package var added = 0
        package var replaced = 0
        package var unchanged = 0
        /// The ids of queries whose text is longer than the model reads.
        package var truncated: [String] = []
        /// The ids of queries that have expired already.
        package var expired: [String] = []
    }

    /// A query to add, and the form in which it is saved.
    struct Item {
        let query: StandingQuery
        let from: QueryConfiguration
    }

    package init(
        engine: ScoringEngine, outbox: Outbox, defaults: Defaults, logger: Logger,
        deliver: @escaping @Sendable ([Detection]) async -> Void,
        onBudgets: @escaping @Sendable ([EmbeddedQuery]) -> Void = { _ in }
    ) {
        self.engine = engine
        self.outbox = outbox
        self.defaults = defaults
        self.logger = logger
        self.deliver = deliver
        self.onBudgets = onBudgets
    }

    /// The number of queries that an import is embedding, and of those done; readable without waiting.
    package nonisolated var importing: Progress? { progress.withLock { $0 } }

    // MARK: Changes

    /// Adds the configuration's queries, then the journal's, which have priority, and restores cooldowns.
    ///
    /// An invalid query of the configuration throws; one of the journal is left out and logged.
    package func begin(_ configured: [QueryConfiguration]) async throws {
        let saved = try await saved(complain: true)
        let placed = SavedQuery.placed(configured, beside: saved)
        _ = try await put(placed.map(item), keep: false, replace: true)
        kept = Set(try await outbox.saved(.query).map(\.id))
        note(files: placed)
        let again = saved.keys.sorted().compactMap { saved[$0]?.configuration }
        _ = try await put(
            again.compactMap { from in
                do { return try item(from) } catch {
                    leftOut(from.idOrSlug, error)
                    return nil
                }
            }, keep: false, replace: true)
        let day = 86_400.0
        let ended = try await outbox.lastEnds(since: Date().timeIntervalSince1970 - day)
        await engine.restore(ended.compactMap(\.event))
    }

    /// Adds a query and saves it; replaces an existing one with the same id only if `replace` is true.
    package func add(_ from: QueryConfiguration, replace: Bool = false) async throws -> Added {
        guard let added = try await put([item(from)], keep: true, replace: replace).added.first else {
            throw ControlFailure(.refused, "nothing is added")
        }
        return added
    }

    /// Adds many queries in one transaction, or none if one of them is invalid.
    ///
    /// Existing queries are replaced only with `replace`.
    package func add(json all: [JSONValue], replace: Bool = true) async throws -> Imported {
        let items = try all.map { try item(QueryConfiguration(json: $0)) }
        return try await put(items, keep: true, replace: replace).imported
    }

    /// Changes the given keys of a query; null resets a key to its default.
    package func update(_ id: String, _ changes: JSONValue) async throws -> Added {
        guard let standing = await engine.query(id) else { throw ControlFailure.noQuery(id) }
        // As it was given, so that what was left to defaults still is.
        let given = try await outbox.saved(.query, id: id).map { try SavedQuery($0).configuration }
        return try await add((given ?? QueryConfiguration(standing)).changed(by: changes), replace: true)
    }

    /// Removes a query; returns false if there is none.
    package func remove(_ id: String) async throws -> Bool {
        try await turns.take { [self, engine, outbox, deliver] in
            guard let query = await engine.query(id) else { return false }
            try await outbox.forget(.query, id: id)
            await forget(id)
            // Another query of the same words will be embedded anew.
            try? await outbox.removeEmbeddings(of: EmbeddingKey.keys(of: query))
            guard let ended = await engine.remove(id) else { return false }
            await deliver(ended)
            return true
        }
    }

    /// Resets a query to the configuration's, discarding changes made through a socket.
    package func reset(_ id: String) async throws -> Added {
        guard let file = files[id] else {
            guard await engine.query(id) != nil else { throw ControlFailure.noQuery(id) }
            throw ControlFailure(
                .refused, "query \"\(id.prefix(64))\" is not in the configuration: there is nothing to go back to")
        }
        let back = try item(file)
        _ = try await embed([back.query])
        try await turns.take { [self, outbox] in
            try await outbox.forget(.query, id: id)
            await forget(id)
        }
        guard let added = try await put([back], keep: false, replace: true).added.first else {
            throw ControlFailure.noQuery(id)
        }
        return added
    }

    /// Changes from one configuration's queries to another's; if a new one is invalid, nothing is changed.
    ///
    /// Queries in the journal came through a socket, and have priority. Returns the changes, for people.
    package func change(to new: [QueryConfiguration]) async throws -> String {
        let saved = try await saved(complain: false)
        let placed = SavedQuery.placed(new, beside: saved)
        let all = try placed.map(item)
        let standing = await engine.queries(ids: placed.map(\.idOrSlug))
        let changed = all.filter { item in
            let id = item.query.id
            return !kept.contains(id) && (files[id] != item.from || standing[id] == nil)
        }
        _ = try await put(changed, keep: false, replace: true)
        let gone = Set(files.keys).subtracting(placed.map(\.idOrSlug)).subtracting(kept)
        for id in gone.sorted() {
            // What was learnt stays in the journal, as when the daemon starts without the query.
            try await turns.take { [engine, deliver] in await deliver(engine.remove(id) ?? []) }
        }
        note(files: placed)
        return "queries: \(changed.count) added or replaced, \(gone.count) removed"
    }

    private func item(_ from: QueryConfiguration) throws -> Item { Item(query: try defaults.query(from), from: from) }

    // MARK: The configuration's, and the journal's

    private func saved(complain: Bool) async throws -> [String: SavedQuery] {
        var found: [String: SavedQuery] = [:]
        for saved in try await outbox.saved(.query) {
            do { found[saved.id] = try SavedQuery(saved.json) } catch { if complain { leftOut(saved.id, error) } }
        }
        return found
    }

    private func leftOut(_ id: String, _ error: any Error) {
        logger.error("a saved query is left out", metadata: ["query.id": "\(id)", "error": "\(error)"])
    }

    private func forget(_ id: String) { kept.remove(id) }

    /// Records the configuration's queries, and logs those that are overridden.
    private func note(files placed: [QueryConfiguration]) {
        files = Dictionary(placed.map { ($0.idOrSlug, $0) }) { $1 }
        let shadowed = files.keys.filter(kept.contains).sorted()
        if !shadowed.isEmpty {
            logger.warning(
                "queries of the configuration are not in force: they were changed through a socket",
                metadata: [
                    "count": "\(shadowed.count)", "query.ids": "\(shadowed.prefix(20).joined(separator: " "))",
                    "undo": "watchword query reset ID",
                ])
        }
        let now = Date().timeIntervalSince1970
        let over = placed.filter { $0.expires.map { $0.secondsSince1970 <= now } ?? false }.map(\.idOrSlug)
        if !over.isEmpty {
            logger.warning(
                "queries of the configuration have expired",
                metadata: ["query.ids": "\(over.prefix(20).joined(separator: " "))"])
        }
    }

    /// The origin of a standing query.
    package func source(of id: String) -> ConfigurationSource {
        ConfigurationSource(isInFile: files[id] != nil, isKept: kept.contains(id))
    }

    /// Whether the configuration has a query of this id, which returns when it is read again.
    package func isInFile(_ id: String) -> Bool { files[id] != nil }

    /// The queries in the form of answers.
    package func described(_ queries: [StandingQuery]) async throws -> [JSONValue] {
        let verdicts = try await outbox.verdicts()
        return try queries.map { query in
            let counts = verdicts[query.id].map { (right: $0.right, wrong: $0.wrong) }
            return try JSONValue(
                encoding: QueryDescription(query, source: source(of: query.id), verdicts: counts))
        }
    }

    // MARK: Questions

    /// The scores of an unregistered query on the lanes' newest windows.
    package func test(_ from: QueryConfiguration, lanes: [String]?) async throws -> [Explanation] {
        let draft = try await draft(from)
        return try await engine.test(draft.query, draft.embedding, lanes: lanes)
    }

    /// An embedded query that is not registered; if neither it nor the model has a threshold, an arbitrary one is used.
    package func draft(_ from: QueryConfiguration) async throws -> EmbeddedQuery {
        var from = from
        if from.rule == nil, (try? defaults.query(from)) == nil { from.threshold = 0 }
        let query = try defaults.query(from)
        return EmbeddedQuery(query, try await embed([query])[0])
    }

    /// A standing query, embedded, followed by the others of its group.
    package func standing(_ id: String) async throws -> [EmbeddedQuery] {
        guard let query = await engine.query(id) else { throw ControlFailure.noQuery(id) }
        var all = [query]
        if let group = query.settings.group {
            all += await engine.allQueries.filter { $0.settings.group == group && $0.id != id }
        }
        return zip(all, try await embed(all)).map { EmbeddedQuery($0, $1) }
    }
}

extension ControlFailure {
    static func noQuery(_ id: String) -> ControlFailure {
        ControlFailure("not-found", "there is no query \"\(id.prefix(64))\"")
    }
}
