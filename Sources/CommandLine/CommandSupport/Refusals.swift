/// The error for a file that exists already and must not be replaced.
package struct WriteRefusal: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// The error for giving only one of the two keys that an encrypted (CURVE) connection needs.
struct HalfAnIdentity: Error, CustomStringConvertible { let description: String }

/// The error for a task that Watchword leaves to another program; it names the command to run.
package struct Advice: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// The error for a history (a folder of recorded embeddings) that cannot be used; the description says why.
package struct HistoryRefusal: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
