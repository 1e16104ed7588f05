/// The error of a source that cannot be used: a sentence that names it, without credentials.
package struct SourceError: Error, Equatable, CustomStringConvertible {
    package let description: String
    /// Whether the source can be read, but its data is bad.
    package let isBadData: Bool

    package init(_ description: String, isBadData: Bool = false) {
        (self.description, self.isBadData) = (description, isBadData)
    }
}
