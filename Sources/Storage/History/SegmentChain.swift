package import Segments

/// Reads the blocks of a segment (a history file), then those of its `.tail` file that the segment does not have.
///
/// The segment may be written at the same time: the writer writes a block to the segment before it empties the tail. So
/// the tail is used only if the segment has not grown since it was read. Then no flushed frame or clip is missed, and
/// none is read twice.
package final class SegmentChain {
    private let main: SegmentReader
    private let readsLow: Bool
    private let checksRows: Bool
    /// A copy of the `.tail` file (the incomplete last block), made when the history file had been read.
    ///
    /// The copy is needed because the writer may empty the file at any time.
    private(set) var tailBytes: TailBytes?
    private var tail: SegmentReader?
    private var isInTail = false
    /// The number of the frame or clip that should come next.
    private var expected = 0

    package var header: SegmentHeader { main.header }
    var isSealed: Bool { main.isSealed }
    package var bytesRead: Int { main.bytesRead + (tail?.bytesRead ?? 0) }
    package var skips: HistorySkips {
        var skips = main.skips
        if let tail { skips.merge(tail.skips) }
        return skips
    }
    /// The file from which the current blocks come, for reading them again later.
    var origin: Origin { Origin(inode: main.inode, tail: isInTail ? tailBytes : nil) }

    /// Identifies the file from which blocks were read, with a copy of its `.tail` file (its incomplete last block).
    struct Origin: Sendable {
        let inode: UInt64
        let tail: TailBytes?
    }

    /// Opens a history file; throws if its header is damaged, with kind `gone` if there is no such file.
    ///
    /// `readsLow` reads the lower bytes of the embeddings as well. `checksRows` and `mapsRows` are as in
    /// `SegmentReader`.
    package init(
        _ segment: HistoryFolder.Segment, readsLow: Bool = false, checksRows: Bool = true, mapsRows: Bool = false
    ) throws(HistoryProblem) {
        main = try SegmentReader(segment.path, readsLow: readsLow, checksRows: checksRows, mapsRows: mapsRows)
        (self.readsLow, self.checksRows) = (readsLow, checksRows)
    }

    /// Opens a history file again to read blocks found before, including the lower bytes of the embeddings.
    ///
    /// Throws an error of kind `gone` if the file was replaced since.
    init(_ segment: HistoryFolder.Segment, again origin: Origin) throws(HistoryProblem) {
        main = try SegmentReader(segment.path, readsLow: true)
        (readsLow, checksRows) = (true, true)
        guard main.inode == origin.inode else {
            throw HistoryProblem(.gone, segment.path, "it was written anew")
        }
        open(origin.tail)
    }

    /// Returns the next block of the history file, then of its `.tail` file; nil at the end of both.
    ///
    /// A `.tail` file has the incomplete last block of the history file, in small blocks.
    func next() -> SegmentReader.Block? {
        while !isInTail {
            if let block = main.next() { return follow(block) }
            if main.isSealed { return nil }
            open(TailBytes(of: main.path))
            // If the segment has grown meanwhile, the tail may have been emptied before it was read.
            if let block = main.next() { return follow(block) }
            isInTail = true
        }
        while let block = tail?.next() {
            if Int(block.header.sequence) >= expected { return follow(block) }
        }
        return nil
    }

    /// Records that the block that `next` returned last is damaged.
    func refuse(_ block: SegmentReader.Block) { (isInTail ? tail : main)?.refuse(block.offset) }

    private func follow(_ block: SegmentReader.Block) -> SegmentReader.Block {
        expected = Int(block.header.sequence) + block.header.entries
        return block
    }

    private func open(_ bytes: TailBytes?) {
        tailBytes = bytes
        // A tail that cannot be read was just emptied, or its flush failed. The segment itself is still valid.
        tail = bytes.flatMap { try? SegmentReader($0, readsLow: readsLow, checksRows: checksRows) }
        if let tail, !tail.header.continues(main.header) { self.tail = nil }
    }

    /// Returns a block that was found before, by its position; nil if it is no longer valid.
    func block(at place: Place) -> SegmentReader.Block? { (place.isTail ? tail : main)?.block(at: place.offset) }

    /// The position of a block: its offset in bytes, in the history file or in its `.tail` file.
    package struct Place: Equatable, Sendable {
        let isTail: Bool
        let offset: Int
    }
    /// Returns the position of the current block.
    func place(of block: SegmentReader.Block) -> Place { Place(isTail: isInTail, offset: block.offset) }
}
