import Printing
import SystemSupport

/// Names of streams and queries: no dots, which part a topic.
package enum Name {
    package static func isValid(_ name: String) -> Bool { Identifier.isName(name) }

    /// What a refusal of another name says.
    package static func expected(found name: String) -> String {
        "expected 1 to 64 letters, digits, hyphens or underscores, found \"\(name.excerpt())\""
    }
}

/// A standing query that was refused: its id, the key that is wrong, and why.
package struct QueryError: Error, Equatable, CustomStringConvertible {
    package let id: String
    /// Key of the query, as files and the wire write it; nil where the query as a whole is refused.
    package let key: String?
    package let reason: String

    package init(_ id: String, key: String? = nil, _ reason: String) {
        self.id = id
        self.key = key
        self.reason = reason
    }

    package init(_ id: String, _ part: QueryPartError) { self.init(id, key: part.key, part.reason) }

    package var description: String { "query \"\(id.excerpt(64))\": \(key.map { "\($0): " } ?? "")\(reason)" }
}

/// A part of a query that was refused: its key, and why.
package struct QueryPartError: Error, Equatable, CustomStringConvertible {
    package let key: String
    package let reason: String

    package init(_ key: String, _ reason: String) {
        self.key = key
        self.reason = reason
    }

    package var description: String { "\(key): \(reason)" }
}
