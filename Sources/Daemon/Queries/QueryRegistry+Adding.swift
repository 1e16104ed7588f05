import CLIP
import Concurrency
import ControlAPI
import Engine
import Foundation
import Journal
import Logging
import Matching
import Pixels
import Publishing
import Synchronization
import WatchwordConfiguration

extension QueryRegistry {
    /// Embeds queries, then gives them ids, saves them if `keep` is true, and adds them to the engine.
    ///
    /// Unchanged queries continue as they are. If `replace` is false, a changed query whose id exists is an error.
    /// Several calls may embed at the same time, but the rest runs for one call after the other. `again`, called then,
    /// returns the queries as they are to be by then.
    func put(
        _ items: [Item], keep: Bool, replace: Bool, again: (@Sendable () async throws -> [Item])? = nil
    ) async throws -> (imported: Imported, added: [Added]) {
        try Self.refuseTwins(items)
        let (embeddings, new) = try await embed(all: items.map(\.query))
        return try await turns.take { [self, outbox] in
            do {
                let now = try await again?() ?? items
                let isSame = now.map(\.query) == items.map(\.query)
                let ready = try await isSame ? embeddings : embed(all: now.map(\.query)).all
                return try await settle(now, ready, keep: keep, replace: replace)
            } catch {
                // The embeddings of what does not stand are not kept.
                try? await outbox.removeEmbeddings(of: new)
                throw error
            }
        }
    }

    /// Throws if two of the queries have the same id; called before any is embedded, which may take minutes.
    private static func refuseTwins(_ items: [Item]) throws {
        var seen: Set<String> = []
        for id in items.compactMap(\.from.id) {
            guard seen.insert(id).inserted else { throw QueryError(id, key: "id", "there are two of this id") }
        }
    }

    /// Returns the embeddings of queries that are to stand, and saves those that were not; `new` has their keys.
    func embed(all queries: [StandingQuery]) async throws -> (all: [QueryEmbedding], new: [Data]) {
        var embeddings: [QueryEmbedding] = []
        var new: [Data] = []
        embeddings.reserveCapacity(queries.count)
        if queries.count > 1 { progress.withLock { $0 = Progress(done: 0, total: queries.count) } }
        defer { if queries.count > 1 { progress.withLock { $0 = nil } } }
        for start in stride(from: 0, to: queries.count, by: Self.chunk) {
            // A request whose time limit has passed must change nothing.
            try Task.checkCancellation()
            let (some, made) = try await embed(Array(queries[start..<min(start + Self.chunk, queries.count)]))
            embeddings += some
            new += made.map(\.key)
            await keep(made)
            progress.withLock { $0?.done = embeddings.count }
        }
        return (embeddings, new)
    }

    private func keep(_ made: [(key: Data, vector: [Float])]) async {
        guard !made.isEmpty else { return }
        do { try await outbox.save(embeddings: made, model: engine.embeddingIdentity) } catch {
            // Embeddings that were not saved are computed again when they are needed.
            logger.warning("embeddings are not kept", metadata: ["error": "\(error)"])
        }
    }

    /// Deletes the embeddings that queries no longer need, once new versions of them stand.
    private func deleteEmbeddings(of old: [StandingQuery], for new: [StandingQuery]) async {
        let needed = Set(new.flatMap { EmbeddingKey.keys(of: $0) })
        let stale = old.flatMap { EmbeddingKey.keys(of: $0) }.filter { !needed.contains($0) }
        if !stale.isEmpty { try? await outbox.removeEmbeddings(of: stale) }
    }

    /// Names queries, saves them if `keep` is true, and adds those that changed to the engine; called in its turn.
    func settle(
        _ items: [Item], _ embeddings: [QueryEmbedding], keep: Bool, replace: Bool
    ) async throws -> (imported: Imported, added: [Added]) {
        let standing = await engine.queries(ids: items.flatMap { QueryNames.candidates(for: $0.from) })
        let named = try Self.named(items, beside: standing)
        var imported = Imported()
        var added: [Added] = []
        var coming: [(query: StandingQuery, embedding: QueryEmbedding, json: (id: String, json: Data)?)] = []
        let now = Date().timeIntervalSince1970
        for (item, embedding) in zip(named, embeddings) {
            let (query, old) = (item.query, standing[item.query.id])
            let change: Change = old == nil ? .added : old == query ? .unchanged : .replaced
            if change == .replaced, !replace { throw ControlFailure.exists(query, old) }
            added.append(Added(query: query, truncated: embedding.truncated, change: change))
            if embedding.truncated { imported.truncated.append(query.id) }
            if query.isExpired(at: now) { imported.expired.append(query.id) }
            guard change != .unchanged else { continue }
            coming.append((query, embedding, keep ? (query.id, try json(item)) : nil))
        }
        for id in imported.truncated {
            logger.warning(
                "the text is longer than the model reads; the rest is ignored", metadata: ["query.id": "\(id)"])
        }
        let json = coming.compactMap(\.json)
        if !json.isEmpty {
            try await outbox.save(.query, json)
            kept.formUnion(json.map(\.id))
        }
        for start in stride(from: 0, to: coming.count, by: Self.chunk) {
            let chunk = coming[start..<min(start + Self.chunk, coming.count)]
            let (ended, _, unlearnt) = try await engine.add(chunk.map { ($0.query, $0.embedding) })
            if !unlearnt.isEmpty { try? await outbox.removeCalibrations(of: unlearnt) }
            await deliver(ended)
        }
        let replaced = coming.compactMap { standing[$0.query.id] }
        if !replaced.isEmpty { await deleteEmbeddings(of: replaced, for: coming.map(\.query)) }
        let budgets = coming.filter { $0.query.rule.fixedThreshold == nil }.map {
            EmbeddedQuery($0.query, $0.embedding)
        }
        if !budgets.isEmpty { onBudgets(budgets) }
        imported.added = added.count { $0.change == .added }
        imported.replaced = added.count { $0.change == .replaced }
        imported.unchanged = added.count - imported.added - imported.replaced
        return (imported, added)
    }

    /// Returns the queries with a unique id for each that has none; throws if two queries have the same id.
    private static func named(_ items: [Item], beside standing: [String: StandingQuery]) throws -> [Item] {
        var names = QueryNames(taken: standing.mapValues { QueryConfiguration($0).wording })
        var seen: Set<String> = []
        return try zip(items, names.name(all: items.map(\.from))).map { item, from in
            let id = from.idOrSlug
            guard seen.insert(id).inserted else { throw QueryError(id, key: "id", "there are two of this id") }
            return Item(query: id == item.query.id ? item.query : try item.query.with(id: id), from: from)
        }
    }

    private func json(_ item: Item) throws -> Data {
        let file = files[item.query.id]?.wording
        return try SavedQuery(item.from, shadows: file == item.from.wording ? nil : file).data()
    }

    /// The number of queries, or texts, that are passed on at once; the engine scores frames between two chunks.
    private static let chunk = 256

    // MARK: Embeddings

    /// Returns the embeddings of queries, read from the journal if they were saved; `made` has those that were not.
    func embed(
        _ queries: [StandingQuery]
    ) async throws -> (all: [QueryEmbedding], made: [(key: Data, vector: [Float])]) {
        let keys = queries.map { EmbeddingKey.keys(of: $0) }
        let width = engine.model.architecture.embedding
        let known = try await outbox.embeddings(of: keys.flatMap { $0 }, model: engine.embeddingIdentity)
        var embeddings: [QueryEmbedding?] = []
        var next = 0
        for (query, keys) in zip(queries, keys) {
            // A saved vector of the wrong length or with invalid numbers is computed again.
            let vectors = known[next..<next + keys.count].compactMap { $0 }.filter { vector in
                vector.count == width && vector.allSatisfy(\.isFinite)
            }
            next += keys.count
            // This throws if the query's head (model that scores a window) or window length is impossible.
            try await engine.check(query)
            let isKnown = vectors.count == keys.count
            embeddings.append(
                isKnown ? QueryEmbedding(query: vectors[0], contrasts: Array(vectors.dropFirst())) : nil)
        }
        let unknown = embeddings.indices.filter { embeddings[$0] == nil }
        var made: [(key: Data, vector: [Float])] = []
        for (place, embedding) in zip(unknown, try await make(unknown.map { queries[$0] })) {
            made += zip(keys[place], [embedding.query] + embedding.contrasts).map { ($0, $1) }
            embeddings[place] = embedding
        }
        if !made.isEmpty { await engine.releaseTexts() }
        return (embeddings.compactMap { $0 }, made)
    }

    /// Embeds queries in small portions, so that the engine can score frames between them.
    private func make(_ queries: [StandingQuery]) async throws -> [QueryEmbedding] {
        var made: [QueryEmbedding] = []
        var waiting: [QueryEmbedding.Parts] = []
        var texts = 0
        for query in queries {
            let parts = QueryEmbedding.Parts(query)
            waiting.append(parts)
            texts += parts.texts.count
            // Queries are embedded once they have this many texts together, which limits the memory that is needed.
            guard texts >= Self.chunk else { continue }
            made += try await make(waiting, of: queries[made.count...])
            (waiting, texts) = ([], 0)
        }
        return made + (try await make(waiting, of: queries[made.count...]))
    }

    private func make(
        _ waiting: [QueryEmbedding.Parts], of queries: ArraySlice<StandingQuery>
    ) async throws -> [QueryEmbedding] {
        var known: [String: (embedding: [Float], truncated: Bool)] = [:]
        let all = Set(waiting.flatMap(\.texts)).sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
        var start = 0
        while start < all.count {
            try Task.checkCancellation()
            var (end, bytes) = (start + 1, all[start].utf8.count)
            while end < all.count, bytes + all[end].utf8.count <= Self.handful {
                bytes += all[end].utf8.count
                end += 1
            }
            let some = Array(all[start..<end])
            for (text, embedding) in zip(some, try await engine.embed(texts: some)) { known[text] = embedding }
            start = end
        }
        let framing = engine.model.preprocessing.framing
        var made: [QueryEmbedding] = []
        for (parts, query) in zip(waiting, queries) {
            var parts = parts
            while let text = parts.nextText, let embedding = known[text] { parts.take(embedding) }
            let pictures = try QueryPictures.decode(query, framing: framing)
            if !pictures.isEmpty { parts.take(pictures: try await engine.embed(pictures: pictures)) }
            made.append(try parts.joined(width: engine.model.architecture.embedding))
        }
        return made
    }

    /// The bytes of text that are embedded at once: some 250 tokens, as much work as embedding five pictures.
    private static let handful = 1024
}

extension ControlFailure {
    fileprivate static func exists(_ query: StandingQuery, _ old: StandingQuery?) -> ControlFailure {
        ControlFailure(
            .exists,
            "query \"\(query.id)\" stands already, as \"\((old?.text ?? "").prefix(100))\", and is not the same; "
                + "give this one another id, edit the old one, or ask for its place: --replace, or \"replace\": true")
    }
}
