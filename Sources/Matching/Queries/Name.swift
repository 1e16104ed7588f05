import Printing
import SystemSupport

/// The rule for names of streams and queries: no dots, because dots separate the parts of a topic.
package enum Name {
    package static func isValid(_ name: String) -> Bool { Identifier.isName(name) }

    /// The error's description of a valid name, with the name that was found.
    package static func expected(found name: String) -> String {
        "expected 1 to 64 letters, digits, hyphens or underscores, found \"\(name.excerpt())\""
    }
}

/// A refused standing query: its id, the invalid key, and the reason.
package struct QueryError: Error, Equatable, CustomStringConvertible {
    package let id: String
    /// The query's key, as files and messages write it; nil if the query as a whole is refused.
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

/// A refused part of a query: its key, and the reason.
package struct QueryPartError: Error, Equatable, CustomStringConvertible {
    package let key: String
    package let reason: String

    package init(_ key: String, _ reason: String) {
        self.key = key
        self.reason = reason
    }

    package var description: String { "\(key): \(reason)" }
}
