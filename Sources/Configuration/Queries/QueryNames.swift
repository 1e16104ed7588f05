import Digests
import Foundation

extension QueryConfiguration {
    /// Makes an id from a text: "a red circle appears" becomes `a-red-circle-appears`.
    ///
    /// Several texts may give the same id; `QueryNames` makes them different.
    package static func slug(_ text: String) -> String {
        let slug = String(words(of: text).joined(separator: "-").prefix(longestSlug))
        guard slug.isEmpty else { return slug }
        return "query-\(String(text.utf8.reduce(5381) { $0 &* 33 &+ Int($1) }.magnitude, radix: 36))"
    }

    private static let longestSlug = 48

    private static func words(of text: String) -> [Substring] {
        text.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
    }

    /// The id, or one made from the query's description.
    package var idOrSlug: String { id ?? slug }

    private var slug: String { Self.slug(text.isEmpty ? images?.joined() ?? "" : text) }

    /// The part that tells queries with one slug apart: the text, or the pictures of a query without text.
    package var wording: String {
        text.isEmpty ? (images ?? []).map { String($0.drop { $0 != "," }) }.joined(separator: "\n") : text
    }

    /// Whether the slug determines the text up to its case, so that no other such text has this slug.
    fileprivate var isSaidBySlug: Bool {
        let words = Self.words(of: text)
        return !words.isEmpty && words.joined(separator: " ") == text.lowercased()
            && words.joined(separator: "-").utf8.count <= Self.longestSlug
    }

    /// The ids that the query may get, in order of preference: its slug, then the slug with a hash of its wording.
    fileprivate var possibleIDs: [String] {
        let slug = slug
        let hash = Digest.sha256(wording)
        return [slug] + [8, 15].map { "\(slug)-\(hash.prefix($0))" }
    }
}

/// Gives queries without an id one that is made from their text and that no other text has.
///
/// Of several texts with one slug, the first gets the slug, the others the slug and a hash of their text. A text of
/// plain ASCII words has priority over texts that the slug represents only in part.
package struct QueryNames {
    /// The ids in use, with the wording of their queries.
    private var taken: [String: String]

    package init(taken: [String: String] = [:]) { self.taken = taken }

    /// The ids that may be given to a query; `taken` must contain those in use.
    package static func candidates(for query: QueryConfiguration) -> [String] {
        query.id.map { [$0] } ?? query.possibleIDs
    }

    /// Returns the query with an id; a query with the same wording gets the same id.
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

    /// Names a list of queries in order.
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
