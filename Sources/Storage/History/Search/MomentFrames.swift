/// Reads the frames around moments of a segment again, with their embeddings.
package struct MomentFrames {
    private struct Block {
        let place: SegmentChain.Place
        /// Number of its first entry.
        let first: Int
        let continues: Bool
    }

    private let blocks: [Block]
    /// Of each entry the time that moments are told by: the wall clock's, of a film its own.
    private let times: [Double]
    private let reader: BlockReader

    /// Finds a segment's entries; throws where its header does not hold.
    package init(_ segment: HistoryFolder.Segment) throws(HistoryProblem) {
        // Rows are not looked at here.
        let chain = try SegmentChain(segment, checksRows: false, mapsRows: true)
        var (blocks, times) = ([Block](), [Double]())
        var expected: UInt64?
        while let block = chain.next() {
            blocks.append(
                Block(
                    place: chain.place(of: block), first: times.count, continues: expected == block.header.sequence))
            expected = block.header.sequence + UInt64(block.header.entries)
            let own = chain.header.file == nil ? block.wall : block.media
            times += UnsafeBufferPointer(start: own, count: block.header.entries)
        }
        (self.blocks, self.times) = (blocks, times)
        reader = BlockReader(segment, chain.origin, width: chain.header.width)
    }

    /// The entries around a time, as far as they lie in a span, and `lead` before them; throws where one is not there
    /// any more.
    package func rows(
        around time: Double, in span: Range<Double>, lead: Int
    ) throws(HistoryProblem) -> [HistoryRow] {
        guard let nearest = times.indices.min(by: { abs(times[$0] - time) < abs(times[$1] - time) }),
            span.contains(times[nearest])
        else { return [] }
        var (first, last) = (nearest, nearest)
        while first > 0, span.contains(times[first - 1]) { first -= 1 }
        while last + 1 < times.count, span.contains(times[last + 1]) { last += 1 }
        first = max(0, first - lead)
        var rows: [HistoryRow] = []
        var order = EntryOrder()
        for (place, block) in blocks.enumerated() {
            let end = place + 1 < blocks.count ? blocks[place + 1].first : times.count
            let (from, to) = (max(first, block.first), min(last + 1, end))
            guard from < to else { continue }
            order.begin(continues: block.continues)
            for (entry, embedding) in try reader.entries(from - block.first..<to - block.first, of: block.place) {
                rows.append(
                    HistoryRow(entry: entry, embedding: embedding, continues: order.continues(entry.flags)))
            }
        }
        return rows
    }
}
