package import Segments

/// A recorded frame or clip with its embedding, as read from a history file in order.
package struct HistoryRow: Sendable {
    package var entry: HistoryEntry
    /// The embedding `[d]` with its original length; nil if the picture showed nothing, or if the caller of
    /// `HistoryReader.next` did not want it.
    package var embedding: [Float]?
    /// True if no frame is missing between the previous one and this one.
    ///
    /// If false, no window of frames has both.
    package var continues: Bool
}

/// Tells for each recorded frame whether it continues the previous one without a gap.
package struct EntryOrder: Sendable {
    private var continues = false

    package init() {}

    /// Begins a new block of the file; `continues` is false if blocks are missing between it and the previous one.
    package mutating func begin(continues: Bool) { self.continues = self.continues && continues }

    /// Returns true if the next frame, which has these flags, continues the previous one without a gap.
    package mutating func continues(_ flags: EntryFlags) -> Bool {
        defer { continues = !flags.isBlind }
        return continues && !flags.isDiscontinuity
    }
}

/// Reads the recorded frames or clips of a history file in order with their embeddings, block by block.
package final class HistoryReader {
    private let chain: SegmentChain
    private var expected: UInt64?
    private var order = EntryOrder()

    package var header: SegmentHeader { chain.header }
    /// The parts of the file that could not be read so far.
    package var skips: HistorySkips { chain.skips }

    /// Opens a history file; throws if its header is damaged.
    package init(_ segment: HistoryFolder.Segment) throws(HistoryProblem) {
        chain = try SegmentChain(segment, readsLow: true)
    }

    /// Returns the frames or clips of the file's next block; nil at the end.
    ///
    /// `isWanted` gets a wall time (seconds since 1970) and returns true if the embedding at that time is needed; other
    /// rows have none.
    package func next(where isWanted: (Double) -> Bool = { _ in true }) -> [HistoryRow]? {
        guard let block = chain.next() else { return nil }
        order.begin(continues: expected == block.header.sequence)
        expected = block.header.sequence + UInt64(block.header.entries)
        var known: (row: PackedRow, embedding: [Float])?
        return block.entries().map { entry, row in
            let continues = order.continues(entry.flags)
            guard let row, isWanted(entry.wall) else {
                return HistoryRow(entry: entry, embedding: nil, continues: continues)
            }
            let embedding: [Float]
            if let known, !entry.flags.hasRow {
                embedding = known.embedding
            } else {
                embedding = row.embedding(width: header.width)
                known = (row, embedding)
            }
            return HistoryRow(entry: entry, embedding: embedding, continues: continues)
        }
    }
}
