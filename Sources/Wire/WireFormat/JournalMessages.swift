/// First event of a stream whose journal goes on from another one; kind `journal`.
package struct JournalMessage: Codable, Sendable, Equatable {
    /// An earlier journal, and up to which number its messages are this one's.
    package struct Earlier: Codable, Sendable, Equatable {
        package let journal: String
        package let seq: Int64

        package init(journal: String, seq: Int64) {
            self.journal = journal
            self.seq = seq
        }
    }

    package var v = 1
    /// The number that the stream goes on after.
    package let seq: Int64
    package let journal: String
    package let earlier: [Earlier]

    package init(seq: Int64, journal: String, earlier: [Earlier]) {
        self.seq = seq
        self.journal = journal
        self.earlier = earlier
    }
}

/// In a replay, the place of messages that are not there any more; topic `lost`.
package struct LostMessage: Codable, Sendable, Equatable {
    package var v = 1
    /// The last of them, so that a replay can go on after it.
    package let seq: Int64
    package let first: Int64
    package let last: Int64
    /// "retention"; "unjournaled": the disk was full for longer than messages could be kept; or "restored": the journal
    /// was replaced by an older copy.
    package let reason: String

    package init(first: Int64, last: Int64, reason: String) {
        seq = last
        self.first = first
        self.last = last
        self.reason = reason
    }
}
