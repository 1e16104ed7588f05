package import SystemSupport

/// The role of a client, which decides what it may do; each role includes the permissions of the previous one.
package enum Role: String, Sendable, CaseIterable, Comparable {
    /// The client may read streams, queries, events and counters, and change nothing.
    case view
    /// The client may also change queries and mark events as right or wrong, but not add streams.
    case operate
    /// The client may also add, change and remove streams.
    case control

    /// Parses the name of a role; `subscribe` is an older name of `view`.
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

/// The client that requests an operation, with its role and the streams that it may see.
package struct Caller: Sendable, Equatable {
    /// The client's name in the daemon's list of clients; nil on a socket without authentication.
    package let name: String?
    package let role: Role
    /// The client's network address, or a name for a local process; for logs.
    package let address: String
    /// The patterns of the streams that the client may see; nil means all streams.
    package let streams: NamePatterns?

    package init(name: String?, role: Role, address: String, streams: NamePatterns? = nil) {
        self.name = name
        self.role = role
        self.address = address
        self.streams = streams
    }

    /// Returns true if the client may see a stream; a region of a stream (`lobby/door`) counts as the stream.
    package func sees(_ lane: String) -> Bool { streams?.sees(lane) ?? true }

    /// The caller on a socket without authentication, which only its file's mode or the loopback interface protects.
    package static let local = Caller(name: nil, role: .control, address: "local")
}

extension NamePatterns {
    /// Returns true if the patterns match a stream's name; for a region (`lobby/door`) the stream's name is matched.
    package func sees(_ lane: String) -> Bool { matches(lane.prefix { $0 != "/" }) }
}
