import Digests
import Foundation

extension QueryConfiguration {
    /// An id made from a text: "a red circle appears" is `a-red-circle-appears`.
    ///
    /// Other texts may have the same one: `QueryNames` tells them apart.
    package static func slug(_ text: String) -> String {
        let slug = String(words(of: text).joined(separator: "-").prefix(longestSlug))
        guard slug.isEmpty else { return slug }
        return "query-\(String(text.utf8.reduce(5381) { $0 &* 33 &+ Int($1) }.magnitude, radix: 36))"
    }

    private static let longestSlug = 48

    private static func words(of text: String) -> [Substring] {
        text.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
    }

    /// The id, or one made from what describes the query.
    package var idOrSlug: String { id ?? slug }

    private var slug: String { Self.slug(text.isEmpty ? images?.joined() ?? "" : text) }

    /// Distinguishes queries of one slug: the text, or the pictures of a query that has none.
    package var wording: String {
        text.isEmpty ? (images ?? []).map { String($0.drop { $0 != "," }) }.joined(separator: "\n") : text
    }

    /// Whether the slug holds all of the text, but for its case: no other text of this kind has it.
    fileprivate var isSaidBySlug: Bool {
        let words = Self.words(of: text)
        return !words.isEmpty && words.joined(separator: " ") == text.lowercased()
            && words.joined(separator: "-").utf8.count <= Self.longestSlug
    }

    /// Ids that the query may have, the first best: its slug, then the slug with a hash of its wording.
    fileprivate var possibleIDs: [String] {
        let slug = slug
        let hash = Digest.sha256(wording)
        return [slug] + [8, 15].map { "\(slug)-\(hash.prefix($0))" }
    }
}

/// Gives queries that bring no id one made from their texts, which no query of another text has.
///
/// The first of several texts that make the same slug gets the slug, the others the slug and a hash of their text; a
/// text of ASCII words alone comes before those of which the slug holds only a part.
package struct QueryNames {
    /// Ids that are taken, and their queries' wording.
    private var taken: [String: String]

    package init(taken: [String: String] = [:]) { self.taken = taken }

    /// Ids for which `taken` must be known before a query is named.
    package static func candidates(for query: QueryConfiguration) -> [String] {
        query.id.map { [$0] } ?? query.possibleIDs
    }

    /// The query with its id; one of the same wording gets the id that this one has.
    package mutating func name(_ query: QueryConfiguration) -> QueryConfiguration {
        var named = query
        if query.id == nil {
            let (ids, wording) = (query.possibleIDs, query.wording)
            named.id = ids.first { taken[$0] == wording } ?? ids.first { taken[$0] == nil } ?? ids[ids.count - 1]
            named.hasMadeID = true
        }
        if let id = named.id { taken[id] = taken[id] ?? query.wording }
        return named
    }

    /// Names a list of queries, in its order.
    package static func named(_ queries: [QueryConfiguration]) -> [QueryConfiguration] {
        var names = QueryNames()
        return names.name(all: queries)
    }

    package mutating func name(all queries: [QueryConfiguration]) -> [QueryConfiguration] {
        var named = queries
        func isFirst(_ query: QueryConfiguration) -> Int { query.id != nil ? 0 : query.isSaidBySlug ? 1 : 2 }
        let kinds = queries.map(isFirst)
        for kind in 0...2 {
            for index in queries.indices where kinds[index] == kind { named[index] = name(queries[index]) }
        }
        return named
    }
}

extension Digest {
    fileprivate static func sha256(_ text: String) -> String {
        let digest = Digest(.sha256)
        digest.update(Array(text.utf8))
        return digest.hexadecimal
    }
}
