/// The first event of a stream whose journal continues another one; kind `journal`.
package struct JournalMessage: Codable, Sendable, Equatable {
    /// An earlier journal, and the number up to which its messages are also this one's.
    package struct Earlier: Codable, Sendable, Equatable {
        package let journal: String
        package let seq: Int64

        package init(journal: String, seq: Int64) {
            self.journal = journal
            self.seq = seq
        }
    }

    package var v = 1
    /// The number after which the stream continues.
    package let seq: Int64
    package let journal: String
    package let earlier: [Earlier]

    package init(seq: Int64, journal: String, earlier: [Earlier]) {
        self.seq = seq
        self.journal = journal
        self.earlier = earlier
    }
}

/// Stands in a replay for messages that no longer exist; topic `lost`.
package struct LostMessage: Codable, Sendable, Equatable {
    package var v = 1
    /// The last number of the lost messages, after which a replay can continue.
    package let seq: Int64
    package let first: Int64
    package let last: Int64
    /// The reason: "retention", "unjournaled" or "restored".
    ///
    /// "unjournaled" means that the disk was full for too long, "restored" that an older copy replaced the journal.
    package let reason: String

    package init(first: Int64, last: Int64, reason: String) {
        seq = last
        self.first = first
        self.last = last
        self.reason = reason
    }
}
