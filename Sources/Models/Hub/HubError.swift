/// A pull that failed, and why.
package struct HubError: Error, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// An invalid name, revision or endpoint.
        case usage
        /// There is no such model, revision or file.
        case notFound
        /// The server requires a token, or refuses the one given.
        case noPermission
        /// The server cannot be reached, or its answer did not end.
        case unavailable
        /// Statements or bytes of the server contradict each other.
        case badData
    }

    package let kind: Kind
    package let description: String

    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

/// A temporary failure: another attempt may succeed.
struct Transient: Error {
    let reason: String
    /// The seconds that the server asks to wait.
    var wait: Double?
}
