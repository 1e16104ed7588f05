/// The error for an existing file that is not replaced.
package struct WriteRefusal: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// The error for only one of the two keys that a CURVE client needs.
struct HalfAnIdentity: Error, CustomStringConvertible { let description: String }

/// The refusal of a task that another program does; it names the command to run.
package struct Advice: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// A history that cannot be used now, and why.
package struct HistoryRefusal: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
