/// A file that is there already, and is not replaced.
package struct WriteRefusal: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// Only one of the two keys that a client of CURVE needs.
struct HalfAnIdentity: Error, CustomStringConvertible { let description: String }

/// Refuses what the program leaves to another one, and names the command to run instead.
package struct Advice: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// A history that cannot be used now, and why.
package struct HistoryRefusal: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
