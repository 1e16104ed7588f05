/// An entry of a segment with its embedding, for reading a history in order.
package struct HistoryRow: Sendable {
    package var entry: HistoryEntry
    /// The embedding `[d]` with its original length; nil if the picture showed nothing.
    package var embedding: [Float]?
    /// Whether no frame is missing between the previous row and this one; else a window begins anew.
    package var continues: Bool
}

/// Tells whether each entry of a segment continues the previous one.
package struct EntryOrder: Sendable {
    private var continues = false

    package init() {}

    /// Begins a block; `continues` tells whether it continues the previous block.
    package mutating func begin(continues: Bool) { self.continues = self.continues && continues }

    /// Whether the next entry continues the previous one.
    package mutating func continues(_ flags: EntryFlags) -> Bool {
        defer { continues = !flags.isBlind }
        return continues && !flags.isDiscontinuity
    }
}

/// Reads a segment's entries in order with their embeddings, block by block.
package final class HistoryReader {
    private let chain: SegmentChain
    private var expected: UInt64?
    private var order = EntryOrder()

    package var header: SegmentHeader { chain.header }
    /// The parts that could not be read so far.
    package var skips: HistorySkips { chain.skips }

    /// Opens a segment; throws if its header is damaged.
    package init(_ segment: HistoryFolder.Segment) throws(HistoryProblem) {
        chain = try SegmentChain(segment, readsLow: true)
    }

    /// Returns the next block's entries; nil at the end.
    ///
    /// `isWanted` tells whether the embedding of an entry at a time (seconds since 1970) is needed; other entries have
    /// none.
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
