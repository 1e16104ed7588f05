/// An error of a download from a model hub: its kind, and a message.
package struct HubError: Error, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// The model name, revision or hub address is invalid.
        case usage
        /// The hub has no such model, revision or file.
        case notFound
        /// The hub requires an access token, or rejects the one given.
        case noPermission
        /// The hub cannot be reached, or keeps failing after all attempts.
        case unavailable
        /// The hub's answers are invalid or contradict each other, such as a wrong checksum.
        case badData
    }

    package let kind: Kind
    package let description: String

    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

/// A temporary failure of a download; another attempt may succeed.
struct Transient: Error {
    let reason: String
    /// The number of seconds that the server asks to wait (`Retry-After`); nil if it does not ask.
    var wait: Double?
}
