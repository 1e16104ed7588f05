/// Under which epoch a stream's message was made: from the number at which each began.
package struct EpochBook: Codable, Sendable, Equatable {
    package struct Beginning: Codable, Sendable, Equatable {
        package let epoch: Int64
        /// Messages after this number of the journal are of the epoch.
        package let after: Int64
    }

    /// Oldest first.
    package private(set) var beginnings: [Beginning] = []
    private static let most = 16

    package init() {}

    /// Notes, before it is claimed, that an epoch begins after this number.
    package mutating func begin(_ epoch: Int64, after: Int64) {
        beginnings.removeAll { $0.epoch >= epoch }
        beginnings.append(Beginning(epoch: epoch, after: after))
        beginnings = beginnings.suffix(Self.most)
    }

    /// Nil before the first that is known.
    package func epoch(of seq: Int64) -> Int64? { beginnings.last { $0.after < seq }?.epoch }
}
