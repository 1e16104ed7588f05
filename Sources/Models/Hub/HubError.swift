/// A pull that could not be done, and why.
package struct HubError: Error, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// A name, revision or endpoint that is none.
        case usage
        /// There is no such model, revision or file.
        case notFound
        /// The server wants a token, or another one.
        case noPermission
        /// The server cannot be reached, or does not come to an end.
        case unavailable
        /// The server's statements or bytes contradict each other.
        case badData
    }

    package let kind: Kind
    package let description: String

    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

/// A failure that may pass: worth another attempt.
struct Transient: Error {
    let reason: String
    /// Seconds the server asks to wait.
    var wait: Double?
}
