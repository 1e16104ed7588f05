/// A segment's blocks, and then those of its tail that are not in it.
package final class SegmentChain {
    private let main: SegmentReader
    private let tailPath: String?
    private let readsLow: Bool
    private var tail: SegmentReader?
    private var isInTail = false
    /// Number of the entry that would follow.
    private var expected = 0

    package var header: SegmentHeader { main.header }
    package var bytesRead: Int { main.bytesRead + (tail?.bytesRead ?? 0) }
    package var skips: HistorySkips {
        var skips = main.skips
        if let tail { skips.merge(tail.skips) }
        return skips
    }

    /// Opens a segment; throws where its header does not hold.
    ///
    /// `readsLow`: blocks come with their low planes.
    package init(_ segment: HistoryFolder.Segment, readsLow: Bool = false) throws(HistoryProblem) {
        main = try SegmentReader(segment.path, readsLow: readsLow)
        tailPath = segment.tail
        self.readsLow = readsLow
    }

    /// The next block; nil at the end.
    func next() -> SegmentReader.Block? {
        if !isInTail {
            if let block = main.next() {
                expected = Int(block.header.sequence) + block.header.entries
                return block
            }
            isInTail = true
            openTail()
        }
        while let block = tail?.next() {
            guard Int(block.header.sequence) >= expected else { continue }
            expected = Int(block.header.sequence) + block.header.entries
            return block
        }
        return nil
    }

    /// Opens the tail before the segment has been read: for `block(at:)`.
    func openTail() {
        guard tail == nil else { return }
        // A tail that cannot be read is one that has just been emptied, or lost a flush: the segment stands.
        tail = tailPath.flatMap { try? SegmentReader($0, readsLow: readsLow) }
        if let tail, !tail.header.continues(main.header) { self.tail = nil }
    }

    /// A block that was found before, by where it lay.
    func block(at place: Place) -> SegmentReader.Block? { (place.isTail ? tail : main)?.block(at: place.offset) }

    /// Where a block lies.
    struct Place: Equatable {
        let isTail: Bool
        let offset: Int
    }
    /// Where a block lies that has just come.
    func place(of block: SegmentReader.Block) -> Place { Place(isTail: isInTail, offset: block.offset) }
}
