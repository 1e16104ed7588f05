package import Matching
package import SystemSupport
import Tensors

/// A registered query's small number in the engine; it is reused after the query was removed.
typealias Slot = Int32

/// The key of a group: queries that share it are scored together.
struct GroupKey: Hashable {
    let head: String
    let frames: Int

    init(_ query: StandingQuery) {
        head = query.head
        frames = query.frames
    }
}

/// The embeddings of a query's description, computed once by the towers.
package struct QueryEmbedding: Sendable {
    /// The embedding `[d]` of all its sentences and pictures, not normalised.
    package let query: [Float]
    /// The embedding `[d]` of each contrast, not normalised, in the rule's order.
    package let contrasts: [[Float]]
    /// Whether a text was cut to the model's context.
    package let truncated: Bool

    package init(query: [Float], contrasts: [[Float]] = [], truncated: Bool = false) {
        self.query = query
        self.contrasts = contrasts
        self.truncated = truncated
    }
}

/// A query with its embeddings, as the engine takes it.
package struct EmbeddedQuery: Sendable {
    package let query: StandingQuery
    package let embedding: QueryEmbedding

    package init(_ query: StandingQuery, _ embedding: QueryEmbedding) {
        (self.query, self.embedding) = (query, embedding)
    }

    /// The same query, which watches no other streams than these.
    package func limited(to streams: NamePatterns) -> EmbeddedQuery {
        EmbeddedQuery(query.limited(to: streams), embedding)
    }
}

/// A query that the engine watches.
///
/// It is a class, so that a list of a million queries costs a reference each.
final class RegisteredQuery {
    let query: StandingQuery
    let slot: Slot
    /// The embeddings of the contrasts as the text tower gives them.
    let rawContrasts: [[Float]]
    /// The embeddings of the contrasts with length 1, `[contrasts, d]`.
    let contrasts: [Float]
    /// Whether the query is watched at this time: enabled, within its hours, not expired.
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

    /// The threshold, if it is one score for all windows, which an index can search for; else nil.
    var floor: Float? { if case .score(let threshold) = query.rule { threshold } else { nil } }

    var policy: EventPolicy { query.settings.group == nil ? query.settings.policy : query.settings.policy.ofMember }
}
