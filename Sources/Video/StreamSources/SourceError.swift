/// The error of a video source that cannot be used: a message that names the source, without its credentials.
package struct SourceError: Error, Equatable, CustomStringConvertible {
    package let description: String
    /// True if the source could be read, but its data is damaged or not supported.
    package let isBadData: Bool

    package init(_ description: String, isBadData: Bool = false) {
        (self.description, self.isBadData) = (description, isBadData)
    }
}
