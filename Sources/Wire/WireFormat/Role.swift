package import SystemSupport

/// The permissions of a client; each role includes the previous one.
package enum Role: String, Sendable, CaseIterable, Comparable {
    /// May read streams, queries, events and counters, and change nothing.
    case view
    /// May also change queries and mark events, but start no source.
    case operate
    /// May also change streams.
    case control

    /// Parses a role's name; `subscribe` is an older name of `view`.
    package init?(word: some StringProtocol) {
        guard let role = word == "subscribe" ? .view : Role(rawValue: String(word)) else { return nil }
        self = role
    }

    package static let words = allCases.map(\.rawValue).joined(separator: ", ")

    private var rank: Int {
        switch self {
        case .view: 0
        case .operate: 1
        case .control: 2
        }
    }

    package static func < (one: Role, other: Role) -> Bool { one.rank < other.rank }
}

/// The client that requests an operation, with its role.
package struct Caller: Sendable, Equatable {
    /// The client's listed name; nil without authentication.
    package let name: String?
    package let role: Role
    /// The client's address, for logs.
    package let address: String
    /// The streams that it may see; nil for all.
    package let streams: NamePatterns?

    package init(name: String?, role: Role, address: String, streams: NamePatterns? = nil) {
        self.name = name
        self.role = role
        self.address = address
        self.streams = streams
    }

    /// Whether it may see a stream, or a region of one (`lobby/door`).
    package func sees(_ lane: String) -> Bool { streams?.sees(lane) ?? true }

    /// The caller on a socket without authentication, which only the file's mode or loopback protects.
    package static let local = Caller(name: nil, role: .control, address: "local")
}

extension NamePatterns {
    /// Whether they let the stream through of which this is the name, or a region (`lobby/door`).
    package func sees(_ lane: String) -> Bool { matches(lane.prefix { $0 != "/" }) }
}
