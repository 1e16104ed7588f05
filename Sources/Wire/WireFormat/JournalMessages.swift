/// The first server-sent event (kind `journal`) of a connection, if the daemon's journal continues an earlier one.
package struct JournalMessage: Codable, Sendable, Equatable {
    /// An earlier journal, and the highest message number (`seq`) up to which it and the present journal are the same.
    package struct Earlier: Codable, Sendable, Equatable {
        package let journal: String
        package let seq: Int64

        package init(journal: String, seq: Int64) {
            self.journal = journal
            self.seq = seq
        }
    }

    package var v = 1
    /// The message number after which this connection continues.
    package let seq: Int64
    package let journal: String
    package let earlier: [Earlier]

    package init(seq: Int64, journal: String, earlier: [Earlier]) {
        self.seq = seq
        self.journal = journal
        self.earlier = earlier
    }
}

/// A message of topic `lost`, which takes the place of messages that the journal no longer has.
package struct LostMessage: Codable, Sendable, Equatable {
    package var v = 1
    /// The number of the last lost message; a replay can continue after it.
    package let seq: Int64
    package let first: Int64
    package let last: Int64
    /// The reason for the loss: "retention" (removed by age or size), "unjournaled" or "restored".
    ///
    /// "unjournaled" means that the disk could not be written for too long, "restored" that an older copy replaced the
    /// journal.
    package let reason: String

    package init(first: Int64, last: Int64, reason: String) {
        seq = last
        self.first = first
        self.last = last
        self.reason = reason
    }
}
