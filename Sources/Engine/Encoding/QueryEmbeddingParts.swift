import CLIP
package import Matching

extension QueryEmbedding {
    /// A query's embedding in progress: it asks for the embedding of one text after the other, then joins them.
    ///
    /// It is pure. The caller embeds texts and pictures, and may do other work between two of them.
    package struct Parts {
        private let id: String
        /// The query's own sentences, then the sentences of each contrast.
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

        /// All texts to embed.
        package var texts: [String] { groups.flatMap { $0 } }

        /// The next text to embed; nil after the last.
        package var nextText: String? { group < groups.count ? groups[group][embeddings[group].count] : nil }

        /// Adds the embedding of `nextText`.
        package mutating func take(_ text: (embedding: [Float], truncated: Bool)) {
            embeddings[group].append(text.embedding)
            truncated = truncated || text.truncated
            skipFull()
        }

        /// Sets the embeddings of the query's pictures.
        package mutating func take(pictures: [[Float]]) { self.pictures = pictures }

        private mutating func skipFull() {
            while group < groups.count, embeddings[group].count == groups[group].count { group += 1 }
        }

        /// Returns the joined embedding of `width` numbers; throws if the query has neither texts nor pictures.
        package func joined(width: Int) throws(QueryError) -> QueryEmbedding {
            // Words and pictures weigh the same, however many there are of each.
            let kinds = [TextEnsemble.average(embeddings[0]), TextEnsemble.average(pictures)]
            let query = TextEnsemble.average(kinds.filter { !$0.isEmpty })
            guard query.count == width else { throw QueryError(id, key: "images", "none of them was decoded") }
            return QueryEmbedding(
                query: query, contrasts: embeddings.dropFirst().map(TextEnsemble.average), truncated: truncated)
        }
    }
}
