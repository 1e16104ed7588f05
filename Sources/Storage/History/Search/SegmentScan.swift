import CKernels
import Segments

/// Scores all windows of frames in history files for a batch of texts, on one thread, with reused buffers.
final class SegmentScan {
    /// The numbers of windows of frames, half minutes (slots) and bytes that were scanned in one history file.
    struct Found {
        var windows = 0
        var slots = 0
        var bytes = 0
        var skips = HistorySkips()
    }
    /// The position of a block in its history file, and the number of its first frame or clip.
    struct BlockPlace: Sendable {
        let place: SegmentChain.Place
        let first: Int
        let entries: Int
        /// True if the block continues the previous one without a gap.
        let continues: Bool
    }

    /// A scanned history file with the positions of its blocks, so that they can be read again.
    struct Scanned: Sendable {
        let segment: HistoryFolder.Segment
        let blocks: [BlockPlace]
        let origin: SegmentChain.Origin
    }

    private let texts: TextBatch
    private let scan: BlockScan
    /// The best score of each half minute (slot) for each text: `[slots, stride]`.
    private(set) var best: [Float] = []
    private(set) var blocks: [BlockPlace] = []
    /// The histograms of the windows' scores, one for each text: `[texts, bins]`.
    private(set) var counts: [UInt32]
    /// The sums of the embeddings of two or four successive frames, which a quick search uses.
    ///
    /// `ends` tells for each frame, those of earlier blocks first, whether a sum ends with it.
    private var sums: [Int8] = []
    private var sumScales: [Float] = []
    private var ends: [Bool] = []

    init(_ texts: TextBatch) {
        self.texts = texts
        scan = BlockScan(texts)
        if texts.isQuick {
            sums = [Int8](repeating: 0, count: Int(WW_HISTORY_VECTORS) * texts.padded)
            sumScales = [Float](repeating: 0, count: Int(WW_HISTORY_VECTORS))
        }
        counts = [UInt32](repeating: 0, count: texts.count * Int(WW_HISTORY_BINS))
    }

    /// The number of the frame with which the first window of frames in each half minute (slot) of the file ends.
    var firsts: [UInt32] { scan.firsts }

    /// Computes the scores of all windows of frames in a history file, and keeps the best one of each half minute.
    ///
    /// `goesOn` is called before each block, and stops the scan by returning false. The chain does not check the
    /// embeddings' checksums: this scan does it while it computes their dot products.
    func scan(_ chain: SegmentChain, _ query: HistoryQuery, goesOn: () -> Bool) -> Found {
        scan.begin(chain.header, query)
        begin()
        var found = Found()
        while goesOn(), let block = chain.next() {
            guard holds(block) else {
                chain.refuse(block)
                continue
            }
            let first = Int(scan.place.ordinal)
            let continues = scan.follow(block)
            blocks.append(
                BlockPlace(
                    place: chain.place(of: block), first: first, entries: block.header.entries, continues: continues))
            found.windows += scan.prepare(block)
            reserve(slots: scan.firsts.count)
            fold(block)
        }
        found.slots = Int(scan.place.slots)
        (found.bytes, found.skips) = (chain.bytesRead, chain.skips)
        return found
    }

    private func begin() {
        blocks.removeAll(keepingCapacity: true)
        if texts.isQuick { ends = [Bool](repeating: true, count: scan.length + Int(WW_HISTORY_ENTRIES)) }
        best.withUnsafeMutableBufferPointer { $0.update(repeating: -.infinity) }
        counts.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    }

    private func reserve(slots: Int) {
        let more = slots * texts.stride - best.count
        if more > 0 { best += [Float](repeating: -.infinity, count: more) }
    }

    /// Returns true if the checksum of a block's embeddings is right.
    ///
    /// It also computes their dot products with the texts, unless the search is quick.
    private func holds(_ block: SegmentReader.Block) -> Bool {
        guard texts.isQuick else { return scan.multiply(block) }
        return ww_history_sum(block.high, block.header.low - block.header.high) == block.header.sums.high
    }

    private func fold(_ block: SegmentReader.Block) {
        if texts.isQuick { foldSums(block, scan.length) }
        scan.score(block)
        ww_history_best(
            scan.scores, texts.count, scan.inverse, scan.slots, block.header.entries, &best, texts.stride, &counts)
    }

    /// Computes the dot products of texts with sums of two or four successive frames, for a quick search.
    ///
    /// Only windows that consist of whole sums get scores.
    private func foldSums(_ block: SegmentReader.Block, _ length: Int) {
        let count = block.header.entries
        let size = block.header.rows * 2 < count ? 1 : length % 4 == 0 ? 4 : length % 2 == 0 ? 2 : 1
        let groups = size > 1 ? count / size : 0
        if groups > 0 {
            ww_history_group(
                &sums, &sumScales, block.high, block.scales, scan.rows, groups * size, size, texts.padded)
            texts.dots(&scan.dots, high: sums, count: groups, scales: sumScales)
        }
        // The remaining entries of the block have dot products of their own, stored after those of the sums.
        let left = scan.rows[(groups * size)..<count].first { $0 >= 0 }.map { Int($0) } ?? block.header.rows
        let own = block.header.rows - left
        scan.dots.withUnsafeMutableBufferPointer { dots in
            guard let base = dots.baseAddress else { return }
            texts.dots(
                base + groups * 8, high: block.high + left * texts.padded, count: own, scales: block.scales + left)
        }
        for entry in 0..<count {
            let isSummed = entry < groups * size
            let isEnd = !isSummed || entry % size == size - 1
            ends[length + entry] = isEnd
            scan.rows[entry] =
                isSummed
                ? (isEnd ? Int32(entry / size) : -1)
                : scan.rows[entry] < 0 ? -1 : scan.rows[entry] + Int32(groups - left)
            if !isEnd || !ends[entry] { scan.inverse[entry] = 0 }
        }
        for place in 0..<length { ends[place] = ends[place + count] }
    }
}
