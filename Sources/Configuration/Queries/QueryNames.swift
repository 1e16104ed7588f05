import Digests
import Foundation

extension QueryConfiguration {
    /// Returns an id made from a text: "a red circle appears" becomes `a-red-circle-appears`.
    ///
    /// Different texts may give the same id; `QueryNames` then makes them different.
    package static func slug(_ text: String) -> String {
        let slug = String(words(of: text).joined(separator: "-").prefix(longestSlug))
        guard slug.isEmpty else { return slug }
        return "query-\(String(text.utf8.reduce(5381) { $0 &* 33 &+ Int($1) }.magnitude, radix: 36))"
    }

    private static let longestSlug = 48

    private static func words(of text: String) -> [Substring] {
        text.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
    }

    /// The query's id, or one made from its text or pictures if it has none.
    package var idOrSlug: String { id ?? slug }

    private var slug: String { Self.slug(text.isEmpty ? images?.joined() ?? "" : text) }

    /// The content that distinguishes queries whose texts give the same id: the text, or the pictures if there is no
    /// text.
    package var wording: String {
        text.isEmpty ? (images ?? []).map { String($0.drop { $0 != "," }) }.joined(separator: "\n") : text
    }

    /// True if an id made from the text contains the whole text, up to case, so that no other such text gives this id.
    fileprivate var isSaidBySlug: Bool {
        let words = Self.words(of: text)
        return !words.isEmpty && words.joined(separator: " ") == text.lowercased()
            && words.joined(separator: "-").utf8.count <= Self.longestSlug
    }

    /// The ids that the query may get, in order of preference: one made from its text, then the same with a hash
    /// appended.
    fileprivate var possibleIDs: [String] {
        let slug = slug
        let hash = Digest.sha256(wording)
        return [slug] + [8, 15].map { "\(slug)-\(hash.prefix($0))" }
    }
}

/// Gives queries without an id a unique one that is made from their text.
///
/// If several texts give the same id, the first query gets it; the others get the id with a hash of their text. A text
/// of plain ASCII words comes before texts that the id represents only in part.
package struct QueryNames {
    /// The ids in use, each with the text (or pictures) of its query.
    private var taken: [String: String]

    package init(taken: [String: String] = [:]) { self.taken = taken }

    /// Returns the ids that a query may get; a caller looks up which are in use, and passes these to `init(taken:)`.
    package static func candidates(for query: QueryConfiguration) -> [String] {
        query.id.map { [$0] } ?? query.possibleIDs
    }

    /// Returns the query with an id; a query with the same text as a known one gets the same id.
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

    /// Returns the queries, in the same order, with an id for each that has none.
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
