import CLIP
package import Matching

extension QueryEmbedding {
    /// The embedding of a query step by step: it names one text after the other to embed, then averages the results.
    ///
    /// It does not embed anything itself. So the caller can do other work between two texts.
    package struct Parts {
        private let id: String
        /// The sentences of the query, followed by the sentences of each text that it is contrasted with.
        private let groups: [[String]]
        private var embeddings: [[[Float]]]
        private var group = 0
        private var pictures: [[Float]] = []
        private var truncated = false

        package init(_ query: StandingQuery) {
            id = query.id
            var groups = [query.sentences]
            if case .contrast(let against, _) = query.rule { groups += against.map(query.sentences(of:)) }
            self.groups = groups
            embeddings = groups.map { _ in [] }
            skipFull()
        }

        /// All texts that must be embedded for this query, in order.
        package var texts: [String] { groups.flatMap { $0 } }

        /// The next text to embed; nil when all are embedded.
        package var nextText: String? { group < groups.count ? groups[group][embeddings[group].count] : nil }

        /// Stores the embedding of `nextText` and advances to the next text.
        package mutating func take(_ text: (embedding: [Float], truncated: Bool)) {
            embeddings[group].append(text.embedding)
            truncated = truncated || text.truncated
            skipFull()
        }

        /// Stores the embeddings of the query's example pictures.
        package mutating func take(pictures: [[Float]]) { self.pictures = pictures }

        private mutating func skipFull() {
            while group < groups.count, embeddings[group].count == groups[group].count { group += 1 }
        }

        /// Returns the averaged embedding of `width` numbers; throws if the query has neither texts nor pictures.
        package func joined(width: Int) throws(QueryError) -> QueryEmbedding {
            // All texts together have the same weight as all pictures together, however many there are of each.
            let kinds = [TextEnsemble.average(embeddings[0]), TextEnsemble.average(pictures)]
            let query = TextEnsemble.average(kinds.filter { !$0.isEmpty })
            guard query.count == width else { throw QueryError(id, key: "images", "none of them was decoded") }
            return QueryEmbedding(
                query: query, contrasts: embeddings.dropFirst().map(TextEnsemble.average), truncated: truncated)
        }
    }
}
