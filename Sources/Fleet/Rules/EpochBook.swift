/// The epochs in which one node has run a stream, to find the epoch in which a message was made.
///
/// An epoch is the time from a node's claim of the stream to the next claim; its number grows with each claim.
package struct EpochBook: Codable, Sendable, Equatable {
    package struct Beginning: Codable, Sendable, Equatable {
        package let epoch: Int64
        /// The number in the node's journal after which the stream's messages belong to this claim of the stream.
        package let after: Int64
    }

    /// The last 16 times that this node claimed the stream, oldest first.
    package private(set) var beginnings: [Beginning] = []
    private static let most = 16

    package init() {}

    /// Records, before the stream is claimed, that its messages after journal number `after` belong to this epoch.
    package mutating func begin(_ epoch: Int64, after: Int64) {
        beginnings.removeAll { $0.epoch >= epoch }
        beginnings.append(Beginning(epoch: epoch, after: after))
        beginnings = beginnings.suffix(Self.most)
    }

    /// Returns the epoch (the number of the claim) in which the journal's message `seq` was made.
    ///
    /// Returns nil if the message is older than the recorded epochs.
    package func epoch(of seq: Int64) -> Int64? { beginnings.last { $0.after < seq }?.epoch }
}
