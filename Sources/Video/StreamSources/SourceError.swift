/// A source that cannot be used: one sentence that names it, without credentials.
package struct SourceError: Error, Equatable, CustomStringConvertible {
    package let description: String
    /// Whether the source is there and can be read, and what is in it is no good.
    package let isBadData: Bool

    package init(_ description: String, isBadData: Bool = false) {
        (self.description, self.isBadData) = (description, isBadData)
    }
}
