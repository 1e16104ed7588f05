import CLIP
import Foundation
import Journal
package import Logging
package import Matching
package import Messaging
import Pixels
import Synchronization

/// The daemon's standing queries: reads what is asked for, embeds it, keeps it in the journal, and gives it to the engine.
///
/// Descriptions are embedded while scoring goes on, a text at a time between batches; then changes are made one after the
/// other, so that journal and engine agree whatever comes at once. Runs on an executor of its own: reading a hundred thousand
/// queries, and decoding their pictures, would hold up the cooperative pool.
package actor QueryDesk {
    private let executor = QueueExecutor(label: "watchword.queries")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let engine: ScoringEngine
    private let outbox: Outbox
    private let defaults: Defaults
    private let logger: Logger
    /// Where events go that end because their query does.
    private let deliver: @Sendable ([Detection]) async -> Void
    private let turns = Turns(on: .bulk)
    private let progress = Mutex<Progress?>(nil)

    package struct Progress: Codable, Sendable, Equatable {
        package var done: Int
        package let total: Int
    }

    /// What has come of an import.
    package struct Imported: Codable, Sendable, Equatable {
        package var added = 0
        package var replaced = 0
        /// Ids of those whose text is longer than the model reads.
        package var truncated: [String] = []
    }

    package init(
        engine: ScoringEngine, outbox: Outbox, defaults: Defaults, logger: Logger,
        deliver: @escaping @Sendable ([Detection]) async -> Void
    ) {
        self.engine = engine
        self.outbox = outbox
        self.defaults = defaults
        self.logger = logger
        self.deliver = deliver
    }

    /// Queries that an import is embedding, and how many are done; asking waits for nobody.
    package nonisolated var importing: Progress? { progress.withLock { $0 } }

    // MARK: Changes

    /// Brings in the configuration's queries, then those of the journal, which win.
    ///
    /// A wrong query of the configuration is refused by a sentence; one of the journal is left out, and said.
    package func begin(_ configured: [QueryConfiguration]) async throws {
        _ = try await add(configured.map { try (defaults.query($0), nil) })
        var kept: [(query: StandingQuery, json: Data?)] = []
        for saved in try await outbox.saved(.query) {
            do {
                kept.append((try defaults.query(QueryConfiguration(json: JSONText.parse(saved.json))), nil))
            } catch {
                logger.error("a saved query is left out", metadata: ["query.id": "\(saved.id)", "error": "\(error)"])
            }
        }
        _ = try await add(kept)
    }

    /// Adds or replaces a query, and keeps it.
    package func add(_ from: QueryConfiguration) async throws -> (query: StandingQuery, truncated: Bool) {
        let query = try defaults.query(from)
        let imported = try await add([(query, try Self.json(from, id: query.id))])
        return (query, !imported.truncated.isEmpty)
    }

    /// Adds or replaces many, in one transaction; if one of them is wrong, none.
    package func add(json all: [JSONValue]) async throws -> Imported {
        var seen: Set<String> = []
        let queries = try all.map { json in
            let from = try QueryConfiguration(json: json)
            let query = try defaults.query(from)
            guard seen.insert(query.id).inserted else { throw QueryError(query.id, "there are two of this id") }
            return (query: query, json: Optional(try Self.json(from, id: query.id)))
        }
        return try await add(queries)
    }

    /// Changes what is given of a query; null takes a key back to its default.
    package func update(_ id: String, _ changes: JSONValue) async throws -> (query: StandingQuery, truncated: Bool) {
        guard let standing = await engine.query(id) else { throw ControlFailure.noQuery(id) }
        // As it was given, so that what was left to defaults still is.
        let given = try await outbox.saved(.query, id: id).map { try WireCoding.decode(QueryConfiguration.self, $0) }
        return try await add((given ?? QueryConfiguration(standing)).changed(by: changes))
    }

    /// Removes a query; false if there is none.
    package func remove(_ id: String) async throws -> Bool {
        try await turns.take { [engine, outbox, deliver] in
            guard let query = await engine.query(id) else { return false }
            try await outbox.forget(.query, id: id)
            // Another query of the same words will be embedded anew.
            try? await outbox.removeEmbeddings(of: EmbeddingKey.keys(of: query))
            guard let ended = await engine.remove(id) else { return false }
            await deliver(ended)
            return true
        }
    }

    /// Goes from one configuration's queries to another's; if one of the new ones is wrong, nothing is done.
    ///
    /// What the journal keeps was given through a socket, and wins. Returns what changed, for people.
    package func change(to new: [QueryConfiguration], from old: [QueryConfiguration]) async throws -> String {
        let kept = Set(try await outbox.saved(.query).map(\.id))
        let before = Dictionary(old.map { ($0.idOrSlug, $0) }) { $1 }
        let changed = new.filter { before[$0.idOrSlug] != $0 && !kept.contains($0.idOrSlug) }
        _ = try await add(changed.map { (try defaults.query($0), nil) })
        let gone = Set(before.keys).subtracting(new.map(\.idOrSlug)).subtracting(kept)
        for id in gone.sorted() {
            // What was learnt stays in the journal, as when the daemon starts without the query.
            try await turns.take { [engine, deliver] in await deliver(engine.remove(id) ?? []) }
        }
        return "queries: \(changed.count) added or replaced, \(gone.count) removed"
    }

    /// Embeds, keeps those that have a text to keep, then lets them stand.
    private func add(_ queries: [(query: StandingQuery, json: Data?)]) async throws -> Imported {
        var imported = Imported()
        var embeddings: [QueryEmbedding] = []
        embeddings.reserveCapacity(queries.count)
        if queries.count > 1 { progress.withLock { $0 = Progress(done: 0, total: queries.count) } }
        defer { if queries.count > 1 { progress.withLock { $0 = nil } } }
        for start in stride(from: 0, to: queries.count, by: Self.chunk) {
            // A request whose time is over changes nothing.
            try Task.checkCancellation()
            let chunk = queries[start..<min(start + Self.chunk, queries.count)].map(\.query)
            embeddings += try await embed(chunk)
            progress.withLock { $0?.done = embeddings.count }
        }
        imported.truncated = zip(queries, embeddings).filter { $1.truncated }.map { $0.0.query.id }
        for id in imported.truncated {
            logger.warning(
                "the text is longer than the model reads; the rest is ignored", metadata: ["query.id": "\(id)"])
        }
        let (all, done) = (embeddings, imported)
        return try await turns.take { [engine, outbox, deliver] in
            var imported = done
            let kept = queries.compactMap { query, json in json.map { (id: query.id, json: $0) } }
            if !kept.isEmpty { try await outbox.save(.query, kept) }
            for start in stride(from: 0, to: queries.count, by: Self.chunk) {
                let places = start..<min(start + Self.chunk, queries.count)
                let (ended, replaced, unlearnt) = try await engine.add(
                    places.map { (queries[$0].query, all[$0]) })
                if !unlearnt.isEmpty { try? await outbox.removeCalibrations(of: unlearnt) }
                imported.replaced += replaced
                imported.added += places.count - replaced
                await deliver(ended)
            }
            return imported
        }
    }

    /// Queries that are handed on at once: between two handfuls the engine scores.
    private static let chunk = 256

    private static func json(_ from: QueryConfiguration, id: String) throws -> Data {
        var full = from
        full.id = id
        return try WireCoding.encode(full)
    }

    // MARK: Embeddings

    /// The queries' embeddings: those that were made before are read from the journal.
    private func embed(_ queries: [StandingQuery]) async throws -> [QueryEmbedding] {
        let keys = queries.map { EmbeddingKey.keys(of: $0) }
        let model = engine.embeddingIdentity
        let known = try await outbox.embeddings(of: keys.flatMap { $0 }, model: model)
        var made: [(key: Data, vector: [Float])] = []
        var embeddings: [QueryEmbedding] = []
        var next = 0
        for (query, keys) in zip(queries, keys) {
            let vectors = known[next..<next + keys.count].compactMap { $0 }
            next += keys.count
            if vectors.count == keys.count {
                // Only the query's head and window have to be possible; what was cut was said when it was made.
                try await engine.check(query)
                embeddings.append(QueryEmbedding(query: vectors[0], contrasts: Array(vectors.dropFirst())))
                continue
            }
            let side = engine.model.architecture.vision.side
            let embedding = try await embed(query, pictures: QueryPictures.decode(query, side: side))
            made += zip(keys, [embedding.query] + embedding.contrasts).map { ($0, $1) }
            embeddings.append(embedding)
        }
        if !made.isEmpty {
            await engine.restTexts()
            do { try await outbox.save(embeddings: made, model: model) } catch {
                // They can be made again.
                logger.warning("embeddings are not kept", metadata: ["error": "\(error)"])
            }
        }
        return embeddings
    }

    /// Embeds one query: between two of its texts the engine scores, however many they are.
    private func embed(_ query: StandingQuery, pictures: [Picture]) async throws -> QueryEmbedding {
        try await engine.check(query)
        var parts = QueryEmbedding.Parts(query)
        while let text = parts.nextText {
            try Task.checkCancellation()
            parts.take(try await engine.embed(text: text))
        }
        if !pictures.isEmpty { parts.take(pictures: try await engine.embed(pictures: pictures)) }
        return try parts.joined(width: engine.model.architecture.embedding)
    }

    // MARK: Questions

    /// What the query would score on the streams' newest windows, without it standing.
    package func test(_ from: QueryConfiguration, lanes: [String]?) async throws -> [Explanation] {
        // A test needs no threshold; without one, any will do.
        var from = from
        if from.rule == nil, (try? defaults.query(from)) == nil { from.threshold = 0 }
        let query = try defaults.query(from)
        let embedding = try await embed([query])
        return try await engine.test(query, embedding[0], lanes: lanes)
    }
}

extension ControlFailure {
    static func noQuery(_ id: String) -> ControlFailure {
        ControlFailure("not-found", "there is no query \"\(id.prefix(64))\"")
    }
}
