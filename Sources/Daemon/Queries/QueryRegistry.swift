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

/// The registry of the daemon's standing queries: parses, embeds and saves them, and adds them to the scoring engine.
///
/// Texts are embedded while scoring continues. Changes are then made one after the other, so that journal and engine
/// agree. It has its own thread, since parsing many queries and decoding their pictures takes long.
package actor QueryRegistry {
    private let executor = QueueExecutor(label: "watchword.queries")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    let engine: ScoringEngine
    let outbox: Outbox
    let defaults: Defaults
    let logger: Logger
    /// A function that publishes the ends of events whose query was removed or changed.
    let deliver: @Sendable ([Detection]) async -> Void
    /// A function that receives added queries with a budget of alerts per day, so that their thresholds can be learnt.
    let onBudgets: @Sendable ([EmbeddedQuery]) -> Void
    let turns = SerialTaskQueue(on: .bulk)
    let progress = Mutex<Progress?>(nil)
    /// The queries in the configuration file, by id.
    private(set) var files: [String: QueryConfiguration] = [:]
    /// The ids of the queries that are saved in the journal, since they were added or changed by a client.
    var kept: Set<String> = []

    package struct Progress: Codable, Sendable, Equatable {
        package var done: Int
        package let total: Int
    }

    /// The effect of adding or changing a query.
    package enum Change: String, Codable, Sendable {
        case added
        case replaced
        /// The query existed already with the same settings, and continues.
        case unchanged
    }

    package struct Added: Sendable {
        package let query: StandingQuery
        package let truncated: Bool
        package let change: Change
    }

    /// The result of an import: the numbers of added, replaced and unchanged queries, and ids that need attention.
    package struct Imported: Codable, Sendable, Equatable {
        package var added = 0
        package var replaced = 0
        package var unchanged = 0
        /// The ids of queries whose text is longer than the model's context; the rest of the text is ignored.
        package var truncated: [String] = []
        /// The ids of imported queries whose expiry time has already passed.
        package var expired: [String] = []
    }

    /// A query to add, with the configuration from which it was made and in which it is saved.
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

    /// The progress of a running import, read without waiting for the actor; nil if there is none.
    package nonisolated var importing: Progress? { progress.withLock { $0 } }

    // MARK: Changes

    /// Adds the queries of the journal, and those of the configuration file that they do not override.
    ///
    /// It also restores the pauses after events that ended in the last day. An invalid query of the file throws; one of
    /// the journal is logged and left out, and does not override the file's.
    package func begin(_ configured: [QueryConfiguration]) async throws {
        let saved = try await saved(complain: true)
        let placed = SavedQuery.placed(configured, beside: saved)
        let own = try placed.map(item)
        // The file's version is not added first: a query that replaces another loses what was learnt for its id.
        try await restore(saved.keys.sorted().compactMap { saved[$0]?.configuration })
        _ = try await put(unkept(own), keep: false, replace: true)
        note(files: placed)
        let needed = await engine.allQueries.flatMap { EmbeddingKey.keys(of: $0) }
        try? await outbox.removeEmbeddings(except: needed, model: engine.embeddingIdentity)
        let day = 86_400.0
        let ended = try await outbox.lastEnds(since: Date().timeIntervalSince1970 - day)
        await engine.restore(ended.compactMap(\.event))
    }

    /// Adds queries of the journal; those that the model cannot run are logged and left out.
    private func restore(_ saved: [QueryConfiguration]) async throws {
        do {
            let items = try saved.map(item)
            _ = try await put(items, keep: false, replace: true)
            kept.formUnion(items.map(\.query.id))
        } catch let error where error is JournalError || error is CancellationError {
            throw error
        } catch {
            guard saved.count > 1 else { return saved.forEach { leftOut($0.idOrSlug, error) } }
            // Each half is tried by itself, until those that cannot be run are alone.
            try await restore(Array(saved[..<(saved.count / 2)]))
            try await restore(Array(saved[(saved.count / 2)...]))
        }
    }

    /// Adds a query and saves it in the journal; replaces an existing query of the same id only if `replace` is true.
    package func add(_ from: QueryConfiguration, replace: Bool = false) async throws -> Added {
        try Self.single(await put([item(from)], keep: true, replace: replace).added)
    }

    private static func single(_ added: [Added]) throws -> Added {
        guard let added = added.first else { throw ControlFailure(.refused, "nothing is added") }
        return added
    }

    /// Adds many queries from JSON and saves them in the journal, or adds none if one of them is invalid.
    ///
    /// Existing queries of the same ids are replaced only if `replace` is true.
    package func add(json all: [JSONValue], replace: Bool = true) async throws -> Imported {
        let items = try all.map { try item(QueryConfiguration(json: $0)) }
        return try await put(items, keep: true, replace: replace).imported
    }

    /// Changes the given keys of a query; null resets a key to its default.
    package func update(_ id: String, _ changes: JSONValue) async throws -> Added {
        let draft = try await changed(id, changes)
        // In its turn it is changed once more, since others may have changed or removed it meanwhile.
        return try Self.single(
            await put([draft], keep: true, replace: true) { [self] in [try await changed(id, changes)] }.added)
    }

    private func changed(_ id: String, _ changes: JSONValue) async throws -> Item {
        guard let standing = await engine.query(id) else { throw ControlFailure.noQuery(id) }
        var given = QueryConfiguration(standing)
        // The saved form is changed, so that keys without a value keep following the defaults.
        if kept.contains(id), let saved = try await outbox.saved(.query, id: id) {
            given = try SavedQuery(saved).configuration
        }
        return try item(given.changed(by: changes))
    }

    /// Removes a query from the engine and the journal, and ends its events; returns false if there is none of this id.
    package func remove(_ id: String) async throws -> Bool {
        try await turns.take { [self, engine, outbox] in
            // One that was left out at the start is in the journal alone.
            let isSaved = try await outbox.saved(.query, id: id) != nil
            guard await engine.query(id) != nil || isSaved else { return false }
            try await outbox.forget(.query, id: id)
            await forget(id)
            await end(id)
            // Again: what is learnt may have been saved until the engine had it no more.
            try? await outbox.removeCalibrations(of: [id])
            return true
        }
    }

    /// Takes a query out of the engine, deletes its embeddings and ends its events.
    private func end(_ id: String) async {
        guard let query = await engine.query(id), let ended = await engine.remove(id) else { return }
        // If another query has the same words, its embeddings will be computed again.
        try? await outbox.removeEmbeddings(of: EmbeddingKey.keys(of: query))
        await deliver(ended)
    }

    /// Resets a query to its form in the configuration file, and discards changes that clients made.
    package func reset(_ id: String) async throws -> Added {
        guard let file = files[id] else {
            guard await engine.query(id) != nil else { throw ControlFailure.noQuery(id) }
            throw ControlFailure(
                .refused, "query \"\(id.prefix(64))\" is not in the configuration: there is nothing to go back to")
        }
        let back = try item(file)
        let embeddings = try await embed(all: [back.query]).all
        return try await turns.take { [self, outbox] in
            let added = try await settle([back], embeddings, keep: false, replace: true).added
            // Last: where the query cannot be replaced, the client's stays in the journal, too.
            try await outbox.release(.query, id: id)
            await forget(id)
            return try Self.single(added)
        }
    }

    /// Replaces the queries of the configuration file after it was read again; if one is invalid, nothing is changed.
    ///
    /// Queries that clients added or changed are kept. Returns a summary for people.
    package func change(to new: [QueryConfiguration]) async throws -> String {
        let saved = try await saved(complain: false)
        let placed = SavedQuery.placed(new, beside: saved)
        let all = try placed.map(item)
        let standing = await engine.queries(ids: placed.map(\.idOrSlug))
        let changed = all.filter { item in
            let id = item.query.id
            return !kept.contains(id) && (files[id] != item.from || standing[id] == nil)
        }
        // A query that a client changes while these are embedded stays as the client gave it.
        _ = try await put(changed, keep: false, replace: true) { [self] in await unkept(changed) }
        let gone = Set(files.keys).subtracting(placed.map(\.idOrSlug)).subtracting(kept)
        for id in gone.sorted() {
            // Learnt thresholds stay in the journal, as they do when the daemon starts without the query.
            try await turns.take { [self] in
                guard await !kept.contains(id) else { return }
                await end(id)
            }
        }
        note(files: placed)
        return "queries: \(changed.count) added or replaced, \(gone.count) removed"
    }

    private func item(_ from: QueryConfiguration) throws -> Item { Item(query: try defaults.query(from), from: from) }

    // MARK: The configuration file and the journal

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

    private func unkept(_ items: [Item]) -> [Item] { items.filter { !kept.contains($0.query.id) } }

    /// Records the queries of the configuration file; logs those that clients have overridden or that have expired.
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

    /// Returns the origin of a query: the configuration file, a client's request, or both.
    package func source(of id: String) -> ConfigurationSource {
        ConfigurationSource(isInFile: files[id] != nil, isKept: kept.contains(id))
    }

    /// Returns true if the configuration file has a query of this id, which a removal does not delete.
    package func isInFile(_ id: String) -> Bool { files[id] != nil }

    /// Returns queries as JSON for answers, with all settings, their origin and the counts of verdicts.
    package func described(_ queries: [StandingQuery]) async throws -> [JSONValue] {
        let verdicts = try await outbox.verdicts()
        return try queries.map { query in
            let counts = verdicts[query.id].map { (right: $0.right, wrong: $0.wrong) }
            return try JSONValue(
                encoding: QueryDescription(query, source: source(of: query.id), verdicts: counts))
        }
    }

    // MARK: Questions

    /// Scores a query on the newest window of each lane (stream or region) without adding it; nil means all lanes.
    package func test(_ from: QueryConfiguration, lanes: [String]?) async throws -> [Explanation] {
        let draft = try await draft(from)
        return try await engine.test(draft.query, draft.embedding, lanes: lanes)
    }

    /// Embeds a query without adding it or saving anything.
    ///
    /// If it has no threshold and the model has no default, the threshold is 0.
    package func draft(_ from: QueryConfiguration) async throws -> EmbeddedQuery {
        var from = from
        if from.rule == nil, (try? defaults.query(from)) == nil { from.threshold = 0 }
        let query = try defaults.query(from)
        return EmbeddedQuery(query, try await embed([query]).all[0])
    }

    /// Returns a standing query with its embedding, followed by the other queries of its group.
    package func standing(_ id: String) async throws -> [EmbeddedQuery] {
        guard let query = await engine.query(id) else { throw ControlFailure.noQuery(id) }
        var all = [query]
        if let group = query.settings.group {
            all += await engine.allQueries.filter { $0.settings.group == group && $0.id != id }
        }
        return zip(all, try await embed(all).all).map { EmbeddedQuery($0, $1) }
    }
}

extension ControlFailure {
    static func noQuery(_ id: String) -> ControlFailure {
        ControlFailure("not-found", "there is no query \"\(id.prefix(64))\"")
    }
}
