import CKernels
package import Segments

/// Computes approximate scores of all windows of a history file, to find the parts where a query may match.
///
/// It is not Sendable: its buffers are allocated once, and used for one file after another.
package final class WindowScan {
    /// A scanned block of a history file, with the times, flags and scores of its frames.
    package struct Block {
        /// The block's position in the file, for reading it again.
        package let place: SegmentChain.Place
        /// True if the block continues the previous one without a gap.
        package let continues: Bool
        /// The media time of each frame in seconds; `wall` has the wall times, in seconds since 1970.
        package let media: [Double]
        package let wall: [Double]
        package let flags: [EntryFlags]
        fileprivate let scores: [Float]
        fileprivate let inverse: [Float]

        package var entries: Int { wall.count }
        /// Returns true if a complete window of frames ends with this frame.
        package func hasWindow(_ entry: Int) -> Bool { inverse[entry] > 0 }
        /// Returns the cosine between a text and the window of frames that ends with a frame.
        ///
        /// `entry` is the frame's index within the block. The greatest error of the result is `error`.
        package func score(_ text: Int, _ entry: Int) -> Float {
            // The text's own score, and that of its rounding error, which is the next vector.
            let place = (text / 4 * Int(WW_HISTORY_ENTRIES) + entry) * 8 + text % 4 * 2
            return scores[place] + scores[place + 1]
        }
    }

    /// Returns the greatest error of a score at this width of embeddings: six times its RMS error.
    package static func error(width: Int) -> Float { TextBatch.error(padded: ww_score_padded(width), withRests: true) }

    private let blocks: BlockScan
    private let query: HistoryQuery

    /// Prepares a scan for embeddings of texts, of length 1 `[width]`, and for windows of `frames` frames.
    package init(_ texts: [[Float]], width: Int, frames: Int) {
        blocks = BlockScan(TextBatch(texts, width: width, isQuick: false, withRests: true))
        var query = HistoryQuery(texts: texts, model: "", width: width)
        query.frames = frames
        self.query = query
    }

    /// Scans a history file and passes its blocks to `take` in order, until that returns false.
    ///
    /// Returns a reader for the blocks that were found; throws if the file's header is damaged.
    package func scan(
        _ segment: HistoryFolder.Segment, _ skips: inout HistorySkips, take: (Block) -> Bool
    ) throws(HistoryProblem) -> BlockReader {
        let readsLow = try BlockScan.needsLow(SegmentReader(segment.path).header, query)
        let chain = try SegmentChain(segment, readsLow: readsLow, checksRows: false, mapsRows: true)
        blocks.begin(chain.header, query)
        while let block = chain.next() {
            guard blocks.multiply(block) else {
                chain.refuse(block)
                continue
            }
            let continues = blocks.follow(block)
            _ = blocks.prepare(block)
            blocks.score(block)
            if !take(found(block, chain, continues)) { break }
        }
        skips.merge(chain.skips)
        return BlockReader(segment, chain.origin, width: chain.header.width)
    }

    private func found(_ block: SegmentReader.Block, _ chain: SegmentChain, _ continues: Bool) -> Block {
        let count = block.header.entries
        return Block(
            place: chain.place(of: block), continues: continues,
            media: Array(UnsafeBufferPointer(start: block.media, count: count)),
            wall: Array(UnsafeBufferPointer(start: block.wall, count: count)),
            flags: (0..<count).map { block.flags($0) }, scores: blocks.scores, inverse: Array(blocks.inverse[..<count]))
    }
}

/// Reads blocks that a scan found in a history file again, with their embeddings.
package final class BlockReader {
    private let segment: HistoryFolder.Segment
    private let origin: SegmentChain.Origin
    private let width: Int
    private var chain: SegmentChain?
    private var last: (place: SegmentChain.Place, block: SegmentReader.Block)?

    fileprivate init(_ segment: HistoryFolder.Segment, _ origin: SegmentChain.Origin, width: Int) {
        (self.segment, self.origin, self.width) = (segment, origin, width)
    }

    /// Returns frames of a block with their embeddings `[d]`; nil for those whose picture showed nothing.
    ///
    /// Throws an error of kind `gone` if the block no longer exists.
    package func entries(
        _ range: Range<Int>, of place: SegmentChain.Place
    ) throws(HistoryProblem) -> [(entry: HistoryEntry, embedding: [Float]?)] {
        guard let block = try block(at: place), range.upperBound <= block.header.entries else {
            throw HistoryProblem(.gone, segment.path, "it was written anew")
        }
        var row = (0..<range.lowerBound).count { block.flags($0).hasRow } - 1
        return range.map { index in
            let entry = block.entry(index)
            if entry.flags.hasRow { row += 1 }
            let isNothing = entry.flags.isBlind || row < 0
            return (entry, isNothing ? nil : block.row(row).embedding(width: width))
        }
    }

    /// Returns the block at a position; the last one is cached.
    private func block(at place: SegmentChain.Place) throws(HistoryProblem) -> SegmentReader.Block? {
        if let last, last.place == place { return last.block }
        if chain == nil { chain = try SegmentChain(segment, again: origin) }
        let block = chain?.block(at: place)
        last = block.map { (place, $0) }
        return block
    }
}
