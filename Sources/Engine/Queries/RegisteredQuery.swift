package import Matching
package import SystemSupport
import Tensors

/// A query's number in the engine, from 0; it is reused after the query was removed.
typealias Slot = Int32

/// The scoring model (head) and the window length of a query; queries with the same key are scored together.
struct GroupKey: Hashable {
    let head: String
    let frames: Int

    init(_ query: StandingQuery) {
        head = query.head
        frames = query.frames
    }
}

/// The embeddings of a query's texts and pictures, computed once by CLIP's encoders.
package struct QueryEmbedding: Sendable {
    /// The average embedding `[d]` of the query's sentences and pictures, not normalised.
    package let query: [Float]
    /// The embeddings `[d]` of the texts that the query is contrasted with, not normalised, in the query's order.
    package let contrasts: [[Float]]
    /// True if a text was cut to the model's context length.
    package let truncated: Bool

    package init(query: [Float], contrasts: [[Float]] = [], truncated: Bool = false) {
        self.query = query
        self.contrasts = contrasts
        self.truncated = truncated
    }
}

/// A query with its embeddings, ready to be added to the engine.
package struct EmbeddedQuery: Sendable {
    package let query: StandingQuery
    package let embedding: QueryEmbedding

    package init(_ query: StandingQuery, _ embedding: QueryEmbedding) {
        (self.query, self.embedding) = (query, embedding)
    }

    /// Returns the same query, limited to the streams whose names match `streams`.
    package func limited(to streams: NamePatterns) -> EmbeddedQuery {
        EmbeddedQuery(query.limited(to: streams), embedding)
    }
}

/// A query that is registered in the engine, with its number (slot) and its contrasting texts' embeddings.
///
/// It is a class, so that a list of a million queries costs one reference each.
final class RegisteredQuery {
    let query: StandingQuery
    let slot: Slot
    /// The embeddings of the texts that the query is contrasted with, not normalised.
    let rawContrasts: [[Float]]
    /// The unit embeddings of the texts that the query is contrasted with, `[contrasts, d]`.
    let contrasts: [Float]
    /// True if the query is active now: enabled, within its active hours and not expired.
    var isWatched: Bool

    init(_ query: StandingQuery, slot: Slot, contrasts: [[Float]], isWatched: Bool) {
        self.query = query
        self.slot = slot
        self.isWatched = isWatched
        rawContrasts = contrasts
        self.contrasts = contrasts.flatMap { Products.unit($0) }
    }

    func selects(_ lane: Lane) -> Bool { query.settings.selector.matches(lane.name, labels: lane.labels) }

    var key: GroupKey { GroupKey(query) }

    /// The threshold that a search index can use: of a query with a fixed score threshold; otherwise nil.
    var floor: Float? { if case .score(let threshold) = query.rule { threshold } else { nil } }

    var policy: EventPolicy { query.settings.group == nil ? query.settings.policy : query.settings.policy.ofMember }
}
