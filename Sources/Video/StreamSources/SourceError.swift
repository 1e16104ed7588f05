/// Error of a source that cannot be used: one sentence that names it, without credentials.
package struct SourceError: Error, Equatable, CustomStringConvertible {
    package let description: String
    /// Whether the source can be read, and its data is bad.
    package let isBadData: Bool

    package init(_ description: String, isBadData: Bool = false) {
        (self.description, self.isBadData) = (description, isBadData)
    }
}
