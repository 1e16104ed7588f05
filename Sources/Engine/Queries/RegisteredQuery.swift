package import Matching
package import SystemSupport
import Tensors

/// Place of a standing query in the engine: small numbers, used again when a query has gone.
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

/// A query's embeddings: what is made of its description, by the towers and once.
package struct QueryEmbedding: Sendable {
    /// `[d]`, not normalised, of all its sentences and pictures.
    package let query: [Float]
    /// `[d]` of each contrast, not normalised, in the rule's order.
    package let contrasts: [[Float]]
    /// Whether a text was cut to the model's context.
    package let truncated: Bool

    package init(query: [Float], contrasts: [[Float]] = [], truncated: Bool = false) {
        self.query = query
        self.contrasts = contrasts
        self.truncated = truncated
    }
}

/// A query with its embedding: all that the engine needs of it.
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

/// A standing query in the engine.
///
/// A class, so that the million that wait cost a reference each wherever they are listed.
final class RegisteredQuery {
    let query: StandingQuery
    let slot: Slot
    /// Embeddings of the contrasts, as the tower gives them.
    let rawContrasts: [[Float]]
    /// The same of unit length, `[contrasts, d]`.
    let contrasts: [Float]
    /// Whether the time is one at which it is watched: enabled, within its hours, not expired.
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

    /// Whether its threshold is one number for all windows, so that an index can find who reaches it.
    var floor: Float? { if case .score(let threshold) = query.rule { threshold } else { nil } }

    var policy: EventPolicy { query.settings.group == nil ? query.settings.policy : query.settings.policy.ofMember }
}
