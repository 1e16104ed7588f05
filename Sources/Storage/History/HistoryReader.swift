/// An entry of a segment and its embedding, for those who go through a history in order.
package struct HistoryRow: Sendable {
    package var entry: HistoryEntry
    /// `[d]`, of the length that it had; nil where the picture showed nothing.
    package var embedding: [Float]?
    /// Whether nothing is missing between the row before and this one: else a window begins anew.
    package var continues: Bool
}

/// Whether entries of a segment continue the one before them.
package struct EntryOrder: Sendable {
    private var continues = false

    package init() {}

    /// The next entry is a block's first; `continues`: whether the block continues the one before.
    package mutating func begin(continues: Bool) { self.continues = self.continues && continues }

    /// Whether the next entry continues the one before it.
    package mutating func continues(_ flags: EntryFlags) -> Bool {
        defer { continues = !flags.isBlind }
        return continues && !flags.isDiscontinuity
    }
}

/// Reads a segment's entries in order with their embeddings, a block at a time.
package final class HistoryReader {
    private let chain: SegmentChain
    private var expected: UInt64?
    private var order = EntryOrder()

    package var header: SegmentHeader { chain.header }
    /// Parts that could not be read so far.
    package var skips: HistorySkips { chain.skips }

    /// Opens a segment; throws where its header does not hold.
    package init(_ segment: HistoryFolder.Segment) throws(HistoryProblem) {
        chain = try SegmentChain(segment, readsLow: true)
    }

    /// The next block's entries; nil at the end.
    ///
    /// `isWanted`: whether the embedding of an entry of such a time, in seconds since 1970, is; others have none.
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
            if let known, !entry.flags.contains(.row) {
                embedding = known.embedding
            } else {
                embedding = row.embedding(width: header.width)
                known = (row, embedding)
            }
            return HistoryRow(entry: entry, embedding: embedding, continues: continues)
        }
    }
}
