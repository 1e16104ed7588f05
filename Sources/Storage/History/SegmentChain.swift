/// A segment's blocks, followed by those of its tail that are not in it.
///
/// The writer may be active: it writes a block to the segment before it empties the tail. So the tail is used only if
/// the segment has not grown since it was read. Then no flushed entry is missed, and none comes twice.
package final class SegmentChain {
    private let main: SegmentReader
    private let readsLow: Bool
    private let checksRows: Bool
    /// The tail as it was when the segment had been read, since its file may be emptied at any time.
    private(set) var tailBytes: TailBytes?
    private var tail: SegmentReader?
    private var isInTail = false
    /// The number of the entry that should follow.
    private var expected = 0

    package var header: SegmentHeader { main.header }
    var isSealed: Bool { main.isSealed }
    package var bytesRead: Int { main.bytesRead + (tail?.bytesRead ?? 0) }
    package var skips: HistorySkips {
        var skips = main.skips
        if let tail { skips.merge(tail.skips) }
        return skips
    }
    /// The origin of the current blocks, to find them again.
    var origin: Origin { Origin(inode: main.inode, tail: isInTail ? tailBytes : nil) }

    /// The file in which blocks were found, and its tail at that time.
    struct Origin: Sendable {
        let inode: UInt64
        let tail: TailBytes?
    }

    /// Opens a segment; throws where its header does not hold, `gone` where there is no such file.
    ///
    /// `readsLow`: blocks come with their low planes. `checksRows`, `mapsRows`: as of `SegmentReader`.
    package init(
        _ segment: HistoryFolder.Segment, readsLow: Bool = false, checksRows: Bool = true, mapsRows: Bool = false
    ) throws(HistoryProblem) {
        main = try SegmentReader(segment.path, readsLow: readsLow, checksRows: checksRows, mapsRows: mapsRows)
        (self.readsLow, self.checksRows) = (readsLow, checksRows)
    }

    /// Opens a segment again, with low planes, for blocks found before; throws `gone` if the file was replaced.
    init(_ segment: HistoryFolder.Segment, again origin: Origin) throws(HistoryProblem) {
        main = try SegmentReader(segment.path, readsLow: true)
        (readsLow, checksRows) = (true, true)
        guard main.inode == origin.inode else {
            throw HistoryProblem(.gone, segment.path, "it was written anew")
        }
        open(origin.tail)
    }

    /// Returns the next block; nil at the end.
    func next() -> SegmentReader.Block? {
        while !isInTail {
            if let block = main.next() { return follow(block) }
            if main.isSealed { return nil }
            open(TailBytes(of: main.path))
            // It grew meanwhile: the tail may have been emptied before it was read.
            if let block = main.next() { return follow(block) }
            isInTail = true
        }
        while let block = tail?.next() {
            if Int(block.header.sequence) >= expected { return follow(block) }
        }
        return nil
    }

    /// Records that the current block is damaged.
    func refuse(_ block: SegmentReader.Block) { (isInTail ? tail : main)?.refuse(block.offset) }

    private func follow(_ block: SegmentReader.Block) -> SegmentReader.Block {
        expected = Int(block.header.sequence) + block.header.entries
        return block
    }

    private func open(_ bytes: TailBytes?) {
        tailBytes = bytes
        // One that cannot be read has just been emptied, or lost a flush: the segment stands.
        tail = bytes.flatMap { try? SegmentReader($0, readsLow: readsLow, checksRows: checksRows) }
        if let tail, !tail.header.continues(main.header) { self.tail = nil }
    }

    /// Returns a block that was found before, by its position.
    func block(at place: Place) -> SegmentReader.Block? { (place.isTail ? tail : main)?.block(at: place.offset) }

    /// The position of a block.
    package struct Place: Equatable, Sendable {
        let isTail: Bool
        let offset: Int
    }
    /// The position of the current block.
    func place(of block: SegmentReader.Block) -> Place { Place(isTail: isInTail, offset: block.offset) }
}
