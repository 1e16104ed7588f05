import CKernels
import Segments

/// Computes the approximate scores of windows, from the upper bytes of the embeddings in a file's blocks.
///
/// Its buffers are allocated once; it belongs to one thread. For each block, the caller computes the dot products of
/// the block's embeddings (`multiply`), then calls `follow`, `prepare` and `score`.
final class BlockScan {
    let texts: TextBatch
    private(set) var place = ww_history_place()
    /// The dot products of the block's embeddings and the texts, laid out as by `ww_history_dots`.
    var dots: [Float]
    /// The index of the embedding of each frame or clip within the block, or -1 if it has none.
    ///
    /// `inverse` has 1 / the norm of the window of frames that ends with it, 0 if none ends there.
    var rows = [Int32](repeating: 0, count: Int(WW_HISTORY_ENTRIES))
    var inverse = [Float](repeating: 0, count: Int(WW_HISTORY_ENTRIES))
    private(set) var slots = [UInt32](repeating: 0, count: Int(WW_HISTORY_ENTRIES))
    /// The number of the frame with which the first window of frames in each half minute (slot) of the file ends.
    private(set) var firsts: [UInt32] = []
    /// The scores of the windows `[texts / 8, entries, 8]`; NaN for frames with which no window ends.
    private(set) var scores: [Float]
    /// The running sums of the dot products, from which the sum over each window of frames is computed.
    private var running: [Float] = []
    private var made = [Float](repeating: 0, count: Int(WW_HISTORY_ENTRIES))
    private var span = ww_history_span()
    private var norms: WindowNorms?
    private var expected: UInt64?
    private var isClips = false
    private var isFilm = false

    init(_ texts: TextBatch) {
        self.texts = texts
        dots = [Float](repeating: 0, count: Int(WW_HISTORY_DOTS) * texts.stride)
        scores = [Float](repeating: 0, count: Int(WW_HISTORY_ENTRIES) * texts.stride)
    }

    /// The number of frames in a window.
    var length: Int { Int(span.length) }

    /// Begins another history file, and forgets the previous one.
    func begin(_ header: SegmentHeader, _ query: HistoryQuery) {
        span = Self.span(header, query)
        (isClips, isFilm) = (header.kind == .clips, header.file != nil)
        norms = Self.needsLow(header, query) ? WindowNorms(length: length, padded: texts.padded) : nil
        (place, expected) = (ww_history_place(), nil)
        let size = (length + 1 + Int(WW_HISTORY_ENTRIES)) * texts.stride
        if running.count == size {
            running.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
        } else {
            running = [Float](repeating: 0, count: size)
        }
    }

    /// Computes the dot products of a block's embeddings with the texts; returns true if their checksum is right.
    func multiply(_ block: SegmentReader.Block) -> Bool {
        texts.dots(&dots, high: block.high, count: block.header.rows, scales: block.scales) == block.header.sums.high
    }

    /// Accepts an undamaged block as the next one; returns true if it continues the previous block without a gap.
    func follow(_ block: SegmentReader.Block) -> Bool {
        let continues = expected == block.header.sequence
        if !continues { place.since = 0 }
        expected = block.header.sequence + UInt64(block.header.entries)
        if var own = norms.take() {
            if !continues { own.clear() }
            own.push(block, into: &made)
            norms = own
        }
        return continues
    }

    /// Computes the embedding's index, the norm and the half minute (slot) for each frame or clip of a block.
    ///
    /// It returns the number of windows of frames that end in the block.
    func prepare(_ block: SegmentReader.Block) -> Int {
        let most = Int(place.slots) + block.header.entries
        if firsts.count < most { firsts += [UInt32](repeating: 0, count: max(most, 2 * firsts.count) - firsts.count) }
        return made.withUnsafeBufferPointer { made in
            let values = isClips ? nil : norms == nil ? block.values : made.baseAddress
            return ww_history_prepare(
                &place, &span, isFilm ? block.media : block.wall, block.wall, values, block.flagBytes,
                block.header.entries, &rows, &inverse, &slots, &firsts)
        }
    }

    /// Computes the scores of the windows that end with a block's frames, into `scores`.
    func score(_ block: SegmentReader.Block) {
        ww_history_scores(&running, length, texts.count, dots, rows, inverse, block.header.entries, &scores)
    }

    /// Returns the number of frames in a query's windows, and the span of times in which the windows may end.
    static func span(_ header: SegmentHeader, _ query: HistoryQuery) -> ww_history_span {
        let isFilm = header.file != nil
        return ww_history_span(
            length: header.kind == .clips ? 1 : UInt32(query.frames ?? header.window), slot: HistoryQuery.apart,
            from: isFilm ? query.mediaFrom ?? -.infinity : -.infinity,
            to: isFilm ? query.mediaTo ?? .infinity : .infinity,
            wall_from: query.from ?? -.infinity, wall_to: query.to ?? .infinity)
    }

    /// Returns true if the query's windows have another number of frames than those whose norms are stored in the file.
    static func needsLow(_ header: SegmentHeader, _ query: HistoryQuery) -> Bool {
        header.kind == .frames && query.frames.map { $0 != header.window } ?? false
    }
}

extension SegmentReader.Block {
    var flagBytes: UnsafePointer<UInt8> { (bytes + header.flags).assumingMemoryBound(to: UInt8.self) }
}
