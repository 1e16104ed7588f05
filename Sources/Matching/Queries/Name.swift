/// Names of streams and queries: no dots, which part a topic.
package enum Name {
    package static func isValid(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name.utf8.allSatisfy(isValid)
    }

    /// Letters, digits, hyphen, underscore.
    static func isValid(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
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
