import SystemSupport

/// Names of streams and queries: no dots, which part a topic.
package enum Name {
    package static func isValid(_ name: String) -> Bool { Identifier.isName(name) }
}

/// A standing query that was refused, and why.
package struct QueryError: Error, Equatable, CustomStringConvertible {
    package let id: String
    package let reason: String

    package init(_ id: String, _ reason: String) {
        self.id = id
        self.reason = reason
    }

    package var description: String { "query \"\(id.excerpt(64))\": \(reason)" }
}

/// A part of a query that cannot be, and why: one sentence, without the query's name.
package struct QueryPartError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
