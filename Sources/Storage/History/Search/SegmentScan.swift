import CKernels

/// Scans segments for a batch of texts, on one thread: its buffers are made once.
final class SegmentScan {
    /// The result of scanning one segment.
    struct Found {
        var windows = 0
        var slots = 0
        var bytes = 0
        var skips = HistorySkips()
    }
    /// Where a block of the segment lies, and the ordinal of its first entry.
    struct BlockPlace: Sendable {
        let place: SegmentChain.Place
        let first: Int
        let entries: Int
        /// Whether it continues the block before it.
        let continues: Bool
    }

    /// What is needed to find a segment's blocks again.
    struct Scanned: Sendable {
        let segment: HistoryFolder.Segment
        let blocks: [BlockPlace]
        let origin: SegmentChain.Origin
    }

    private let texts: TextBatch
    /// The best window of each slot by text: `[slots, stride]`.
    private(set) var best: [Float] = []
    /// Ordinal of each slot's first window.
    private(set) var firsts: [UInt32] = []
    private(set) var blocks: [BlockPlace] = []
    /// `[texts, bins]`.
    private(set) var counts: [UInt32]
    private var dots: [Float]
    /// Running sums of the products.
    private var running: [Float] = []
    /// Of a quick scan: sums of entries, and at which entries one ends, those of the windows before the block first.
    private var sums: [Int8] = []
    private var sumScales: [Float] = []
    private var ends: [Bool] = []
    private var rows = [Int32](repeating: 0, count: Int(WW_HISTORY_ENTRIES))
    private var inverse = [Float](repeating: 0, count: Int(WW_HISTORY_ENTRIES))
    private var made = [Float](repeating: 0, count: Int(WW_HISTORY_ENTRIES))
    private var slots = [UInt32](repeating: 0, count: Int(WW_HISTORY_ENTRIES))
    private var scores: [Float]

    init(_ texts: TextBatch) {
        self.texts = texts
        dots = [Float](repeating: 0, count: Int(WW_HISTORY_DOTS) * texts.stride)
        scores = [Float](repeating: 0, count: Int(WW_HISTORY_ENTRIES) * texts.stride)
        if texts.isQuick {
            sums = [Int8](repeating: 0, count: Int(WW_HISTORY_VECTORS) * texts.padded)
            sumScales = [Float](repeating: 0, count: Int(WW_HISTORY_VECTORS))
        }
        counts = [UInt32](repeating: 0, count: texts.count * Int(WW_HISTORY_BINS))
    }

    /// Scans a segment's windows, of a chain that leaves the rows' check to this; `goesOn` is asked before each block.
    func scan(_ chain: SegmentChain, _ query: HistoryQuery, goesOn: () -> Bool) -> Found {
        var span = Self.span(chain.header, query)
        let length = Int(span.length)
        begin(length)
        let isClips = chain.header.kind == .clips
        let isFilm = chain.header.file != nil
        let isOther = Self.needsLow(chain.header, query)
        var norms = isOther ? WindowNorms(length: length, padded: texts.padded) : nil
        var place = ww_history_place()
        var found = Found()
        var expected: UInt64?
        while goesOn(), let block = chain.next() {
            let header = block.header
            guard multiply(block) else {
                chain.refuse(block)
                continue
            }
            let continues = expected == header.sequence
            if !continues { place.since = 0 }
            expected = header.sequence + UInt64(header.entries)
            blocks.append(
                BlockPlace(
                    place: chain.place(of: block), first: Int(place.ordinal), entries: header.entries,
                    continues: continues))
            reserve(slots: Int(place.slots) + header.entries)
            if var own = norms.take() {
                if !continues { own.clear() }
                own.push(block, into: &made)
                norms = own
            }
            found.windows += prepare(block, &place, &span, isClips, hasNorms: !isOther, isFilm: isFilm)
            fold(block, length)
        }
        found.slots = Int(place.slots)
        (found.bytes, found.skips) = (chain.bytesRead, chain.skips)
        return found
    }

    /// The windows of a segment that a query looks at.
    static func span(_ header: SegmentHeader, _ query: HistoryQuery) -> ww_history_span {
        let isFilm = header.file != nil
        return ww_history_span(
            length: header.kind == .clips ? 1 : UInt32(query.frames ?? header.window), slot: HistoryQuery.apart,
            from: isFilm ? query.mediaFrom ?? -.infinity : -.infinity,
            to: isFilm ? query.mediaTo ?? .infinity : .infinity,
            wall_from: query.from ?? -.infinity, wall_to: query.to ?? .infinity)
    }

    /// Whether windows are of a length whose norms the segment does not have.
    static func needsLow(_ header: SegmentHeader, _ query: HistoryQuery) -> Bool {
        header.kind == .frames && query.frames.map { $0 != header.window } ?? false
    }

    private func begin(_ length: Int) {
        blocks.removeAll(keepingCapacity: true)
        let size = (length + 1 + Int(WW_HISTORY_ENTRIES)) * texts.stride
        if running.count == size {
            running.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
        } else {
            running = [Float](repeating: 0, count: size)
        }
        if texts.isQuick { ends = [Bool](repeating: true, count: length + Int(WW_HISTORY_ENTRIES)) }
        best.withUnsafeMutableBufferPointer { $0.update(repeating: -.infinity) }
        counts.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    }

    private func reserve(slots: Int) {
        guard firsts.count < slots else { return }
        let more = max(slots, 2 * firsts.count)
        best += [Float](repeating: -.infinity, count: more * texts.stride - best.count)
        firsts += [UInt32](repeating: 0, count: more - firsts.count)
    }

    private func prepare(
        _ block: SegmentReader.Block, _ place: inout ww_history_place, _ span: inout ww_history_span, _ isClips: Bool,
        hasNorms: Bool, isFilm: Bool
    ) -> Int {
        made.withUnsafeBufferPointer { made in
            let values = isClips ? nil : hasNorms ? block.values : made.baseAddress
            return ww_history_prepare(
                &place, &span, isFilm ? block.media : block.wall, block.wall, values, block.flagBytes,
                block.header.entries, &rows, &inverse, &slots, &firsts)
        }
    }

    /// Makes the rows' products, of a quick scan later; whether the rows are those that were written.
    private func multiply(_ block: SegmentReader.Block) -> Bool {
        let header = block.header
        let sum =
            texts.isQuick
            ? ww_history_sum(block.high, header.low - header.high)
            : texts.dots(&dots, high: block.high, count: header.rows, scales: block.scales)
        return sum == header.sums.high
    }

    private func fold(_ block: SegmentReader.Block, _ length: Int) {
        if texts.isQuick { foldSums(block, length) }
        let count = block.header.entries
        ww_history_scores(&running, length, texts.count, dots, rows, inverse, count, &scores)
        ww_history_best(scores, texts.count, inverse, slots, count, &best, texts.stride, &counts)
    }

    /// A quick scan's: dot products of sums of entries, so that only windows made of whole sums have scores.
    private func foldSums(_ block: SegmentReader.Block, _ length: Int) {
        let count = block.header.entries
        let size = block.header.rows * 2 < count ? 1 : length % 4 == 0 ? 4 : length % 2 == 0 ? 2 : 1
        let groups = size > 1 ? count / size : 0
        if groups > 0 {
            ww_history_group(
                &sums, &sumScales, block.high, block.scales, rows, groups * size, size, texts.padded)
            texts.dots(&dots, high: sums, count: groups, scales: sumScales)
        }
        // What is left of the block has its rows' own products, after those of the sums.
        let left = rows[(groups * size)..<count].first { $0 >= 0 }.map { Int($0) } ?? block.header.rows
        let own = block.header.rows - left
        dots.withUnsafeMutableBufferPointer { dots in
            guard let base = dots.baseAddress else { return }
            texts.dots(
                base + groups * 8, high: block.high + left * texts.padded, count: own, scales: block.scales + left)
        }
        for entry in 0..<count {
            let isSummed = entry < groups * size
            let isEnd = !isSummed || entry % size == size - 1
            ends[length + entry] = isEnd
            rows[entry] =
                isSummed
                ? (isEnd ? Int32(entry / size) : -1) : rows[entry] < 0 ? -1 : rows[entry] + Int32(groups - left)
            if !isEnd || !ends[entry] { inverse[entry] = 0 }
        }
        for place in 0..<length { ends[place] = ends[place + count] }
    }
}

extension SegmentReader.Block {
    var flagBytes: UnsafePointer<UInt8> { (bytes + header.flags).assumingMemoryBound(to: UInt8.self) }
}
