/// The epochs in which one node has run a stream, to find the epoch in which a message was made.
///
/// An epoch is the time from a node's claim of the stream to the next claim; its number grows with each claim.
package struct EpochBook: Codable, Sendable, Equatable {
    package struct Beginning: Codable, Sendable, Equatable {
        package let epoch: Int64
        /// The number in the node's journal after which the stream's messages belong to this epoch.
        package let after: Int64
    }

    /// The stream's last 16 epochs, with the journal number after which each began, oldest first.
    package private(set) var beginnings: [Beginning] = []
    private static let most = 16

    package init() {}

    /// Records, before a stream is claimed, that the claim's epoch begins after journal number `after`.
    package mutating func begin(_ epoch: Int64, after: Int64) {
        beginnings.removeAll { $0.epoch >= epoch }
        beginnings.append(Beginning(epoch: epoch, after: after))
        beginnings = beginnings.suffix(Self.most)
    }

    /// Returns the epoch in which the journal's message `seq` was made; nil if it is older than the recorded epochs.
    package func epoch(of seq: Int64) -> Int64? { beginnings.last { $0.after < seq }?.epoch }
}
