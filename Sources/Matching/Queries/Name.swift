import Printing
import SystemSupport

/// The rule for names of streams and queries: letters, digits, hyphens and underscores, but no dots.
///
/// Dots separate the parts of a message's topic.
package enum Name {
    package static func isValid(_ name: String) -> Bool { Identifier.isName(name) }

    /// Returns an error's text that says what a valid name is, and which name was found.
    package static func expected(found name: String) -> String {
        "expected 1 to 64 letters, digits, hyphens or underscores, found \"\(name.excerpt())\""
    }
}

/// The error of an invalid query: its id, the invalid key and the reason.
package struct QueryError: Error, Equatable, CustomStringConvertible {
    package let id: String
    /// The invalid key as configuration files and messages write it; nil if the error concerns the whole query.
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

/// The error of one key of a query, and the reason.
package struct QueryPartError: Error, Equatable, CustomStringConvertible {
    package let key: String
    package let reason: String

    package init(_ key: String, _ reason: String) {
        self.key = key
        self.reason = reason
    }

    package var description: String { "\(key): \(reason)" }
}
