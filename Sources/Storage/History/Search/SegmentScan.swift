import CKernels

/// Scans segments for a batch of texts, on one thread: its buffers are made once.
final class SegmentScan {
    /// What a scan of one segment came to.
    struct Found {
        var windows = 0
        /// Slots of the segment, and the best window of each by text: `[slots, stride]`.
        var slots = 0
        var bytes = 0
        var skips = HistorySkips()
    }
    /// Where a block of the segment lies, and the ordinal of its first entry.
    struct BlockPlace {
        let place: SegmentChain.Place
        let first: Int
        let entries: Int
        /// Whether it continues the block before it.
        let continues: Bool
    }

    private let texts: TextBatch
    private(set) var best: [Float] = []
    private(set) var entries: [UInt32] = []
    /// Ordinal of each slot's first window.
    private(set) var firsts: [UInt32] = []
    private(set) var blocks: [BlockPlace] = []
    /// `[texts, bins]`.
    private(set) var counts: [UInt32]
    private var dots: [Float]
    private var prefix: [Float] = []
    private var rows = [Int32](repeating: 0, count: Int(WW_HISTORY_ENTRIES))
    private var inverse = [Float](repeating: 0, count: Int(WW_HISTORY_ENTRIES))
    private var made = [Float](repeating: 0, count: Int(WW_HISTORY_ENTRIES))
    private var slots = [UInt32](repeating: 0, count: Int(WW_HISTORY_ENTRIES))

    init(_ texts: TextBatch) {
        self.texts = texts
        dots = [Float](repeating: 0, count: Int(WW_HISTORY_VECTORS) * texts.stride)
        counts = [UInt32](repeating: 0, count: texts.count * Int(WW_HISTORY_BINS))
    }

    /// Scans a segment's windows; `goesOn` is asked before each block.
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
                makeValues(of: block, &own)
                norms = own
            }
            found.windows += prepare(block, &place, &span, isClips, hasNorms: !isOther, isFilm: isFilm)
            fold(block, length, first: place.ordinal - UInt32(header.entries))
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
        if prefix.count < size { prefix = [Float](repeating: 0, count: size) }
        for place in 0..<(length + 1) * texts.stride { prefix[place] = 0 }
        best.withUnsafeMutableBufferPointer { $0.update(repeating: -.infinity) }
        counts.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    }

    private func reserve(slots: Int) {
        guard firsts.count < slots else { return }
        let more = max(slots, 2 * firsts.count)
        best += [Float](repeating: -.infinity, count: more * texts.stride - best.count)
        entries += [UInt32](repeating: 0, count: more * texts.stride - entries.count)
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

    private func fold(_ block: SegmentReader.Block, _ length: Int, first: UInt32) {
        let (stride, count) = (texts.stride, block.header.entries)
        ww_history_dots(
            &dots, stride, block.high, block.header.rows, texts.padded, block.scales, texts.whole, texts.steps,
            texts.count)
        ww_history_slide(&prefix, length, stride, dots, rows, count)
        ww_history_windows(
            prefix, length, stride, texts.count, inverse, slots, count, first, &best, &entries, &counts)
        ww_history_advance(&prefix, length, stride, count)
    }

    /// Inverse norms of windows of a length that the segment has none of; needs the low planes.
    private func makeValues(of block: SegmentReader.Block, _ norms: inout WindowNorms) {
        var row = -1
        for entry in 0..<block.header.entries {
            let flags = block.flags(entry)
            if flags.contains(.row) { row += 1 }
            if !flags.isDisjoint(with: [.discontinuity, .blind]) { norms.clear() }
            let start = row * texts.padded
            made[entry] =
                flags.contains(.blind)
                ? 0 : norms.push(high: block.high + start, low: block.low + start, scale: block.scales[row])
            if flags.contains(.carried) { made[entry] = 0 }
        }
    }
}

extension SegmentReader.Block {
    var flagBytes: UnsafePointer<UInt8> { (bytes + header.flags).assumingMemoryBound(to: UInt8.self) }
}
