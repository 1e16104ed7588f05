import CKernels

/// An exact search index of text embeddings: finds each text whose score against a window reaches the text's own floor.
///
/// A row is a unit text embedding `[width]`, with its floor (the least score that counts) and a tag (an integer chosen
/// by the caller). A score is a dot product, summed in float64 and rounded once to float32. It is the same number
/// alone, in a batch and on every CPU.
///
/// Rows are kept as float32 and as bytes. A search reads the bytes, and computes scores only for pairs that the bytes'
/// error bound (proven in `score_bytes.c`) cannot exclude. This saves three quarters of the reading and never changes a
/// result. A million rows of width 512 take 2.6 GB. Memory grows by blocks of 4096 rows, and rows are never moved to
/// grow it.
///
/// A row or window with a number that is not finite matches nothing. Not Sendable, like `Matrix`.
package final class ScoreIndex {
    /// A search result: a window and a text embedding (row) whose score reaches the row's floor, its least matching
    /// score.
    package struct Hit: Equatable, Sendable {
        /// The window's position among those passed to the search.
        package let window: Int
        package let tag: Int32
        package let score: Float

        package init(window: Int, tag: Int32, score: Float) {
            self.window = window
            self.tag = tag
            self.score = score
        }
    }

    package static let widest = WW_SCORE_WIDEST

    package let width: Int
    package var count: Int { tags.count }
    /// The tags (integers chosen by the caller) of all text embeddings, in row order.
    ///
    /// When a row is removed, the last row takes its position.
    package private(set) var tags: [Int32] = []
    private var places: [Int32: Int32] = [:]
    private var blocks: [ww_score_block] = []
    private let padded: Int
    private let search: OpaquePointer
    private let work: UnsafeMutablePointer<Double>

    package init(width: Int) {
        precondition(1...Self.widest ~= width)
        self.width = width
        padded = ww_score_padded(width)
        search = ww_search_make(width)
        work = .allocate(capacity: 2 * padded)
    }

    deinit {
        for block in blocks { withUnsafePointer(to: block) { ww_score_block_free($0) } }
        ww_search_free(search)
        work.deallocate()
    }

    /// Reserves memory for a total of `count` text embeddings; it becomes resident only as they are written.
    package func reserve(_ count: Int) {
        tags.reserveCapacity(count)
        places.reserveCapacity(count)
        while blocks.count * Self.blockRows < count { addBlock() }
    }

    /// Adds a text embedding, or replaces the one with the same tag; `floor` is the least score that matches it.
    ///
    /// Takes O(width · log width), however many rows there are. If `floor` is NaN, nothing matches it.
    package func put(_ tag: Int32, _ embedding: [Float], floor: Float) {
        precondition(embedding.count == width)
        let row: Int
        if let place = places[tag] {
            row = Int(place)
        } else {
            row = tags.count
            if row == blocks.count * Self.blockRows { addBlock() }
            tags.append(tag)
            places[tag] = Int32(row)
        }
        withBlock(of: row) { ww_score_put($0, $1, embedding, width, floor, tag, work) }
    }

    /// Changes the floor (the least matching score) of the text embedding with this tag; does nothing if there is none.
    package func setFloor(_ tag: Int32, _ floor: Float) {
        guard let row = places[tag] else { return }
        withBlock(of: Int(row)) { ww_score_set_floor($0, $1, floor) }
    }

    /// Removes the text embedding with this tag and returns true if there was one; the last row takes its position.
    ///
    /// Takes O(width).
    @discardableResult
    package func remove(_ tag: Int32) -> Bool {
        guard let place = places.removeValue(forKey: tag) else { return false }
        let (row, last) = (Int(place), tags.count - 1)
        withBlock(of: last) { from, lastInBlock in
            if row != last {
                withBlock(of: row) { ww_score_copy($0, $1, from, lastInBlock, padded) }
                tags[row] = tags[last]
                places[tags[row]] = place
            }
            ww_score_clear(from, lastInBlock)
        }
        tags.removeLast()
        // One free block is kept, so that rows which come and go at its edge do not make and free it.
        if blocks.count * Self.blockRows >= tags.count + 2 * Self.blockRows, let spare = blocks.popLast() {
            withUnsafePointer(to: spare) { ww_score_block_free($0) }
        }
        return true
    }

    /// Finds all pairs of a window and a text embedding (row) whose score reaches the row's floor, its least matching
    /// score.
    ///
    /// `windows` is `[count, width]`. `hits` is overwritten, ordered by window; its memory is reused. `scan` selects
    /// the CPU instructions, for tests and benchmarks.
    package func search(_ windows: [Float], into hits: inout [Hit], scan: ScoreScan = .best) {
        precondition(windows.count % width == 0 && scan.isAvailable)
        let found = ww_search_run(search, blocks, count, windows, windows.count / width, scan.kind)
        hits.removeAll(keepingCapacity: true)
        for hit in UnsafeBufferPointer(start: ww_search_hits(search), count: found) {
            hits.append(Hit(window: Int(hit.window), tag: hit.tag, score: hit.score))
        }
    }

    /// Returns all pairs of a window and a text embedding (row) whose score reaches the row's floor, its least matching
    /// score.
    ///
    /// `windows` is `[count, width]`.
    package func hits(_ windows: [Float], scan: ScoreScan = .best) -> [Hit] {
        var hits: [Hit] = []
        search(windows, into: &hits, scan: scan)
        return hits
    }

    /// The number of window and text pairs whose score the last search computed; all others were excluded by their
    /// bytes.
    package var scored: Int { ww_search_scored(search) }

    /// Returns the score of window number `place` of `windows` `[count, width]` and the text with this tag; nil without
    /// one.
    package func score(_ windows: [Float], _ place: Int, _ tag: Int32) -> Float? {
        precondition(windows.count >= (place + 1) * width)
        guard let row = places[tag] else { return nil }
        return withBlock(of: Int(row)) { block, row in
            let floats = block.pointee.rows + row * padded
            guard padded != width else {
                return windows.withUnsafeBufferPointer {
                    ww_score(floats, $0.baseAddress.map { $0 + place * width }, padded)
                }
            }
            let fitting = windows[place * width..<(place + 1) * width] + [Float](repeating: 0, count: padded - width)
            return ww_score(floats, Array(fitting), padded)
        }
    }

    /// Returns the text embedding stored under a tag; nil if there is none.
    package func row(_ tag: Int32) -> [Float]? {
        guard let row = places[tag] else { return nil }
        return withBlock(of: Int(row)) {
            Array(UnsafeBufferPointer(start: $0.pointee.rows + $1 * padded, count: width))
        }
    }

    private static let blockRows = WW_SCORE_BLOCK

    private func addBlock() {
        var block = ww_score_block()
        ww_score_block_make(&block, padded)
        blocks.append(block)
    }

    /// Calls `body` with the memory block that contains a text embedding, and its position in that block.
    private func withBlock<R>(of row: Int, _ body: (UnsafePointer<ww_score_block>, Int) -> R) -> R {
        withUnsafePointer(to: blocks[row / Self.blockRows]) { body($0, row % Self.blockRows) }
    }
}

/// The CPU instructions with which a `ScoreIndex` search multiplies bytes.
package enum ScoreScan: String, CaseIterable, Sendable {
    /// No search by bytes: the float32 score of every pair is computed.
    case none
    case portable, avx2, vnni, amx
    /// The fastest way on this CPU.
    case best

    package var isAvailable: Bool { ww_scan_available(kind) != 0 }

    var kind: ww_scan {
        switch self {
        case .none: WW_SCAN_NONE
        case .portable: WW_SCAN_PORTABLE
        case .avx2: WW_SCAN_AVX2
        case .vnni: WW_SCAN_VNNI
        case .amx: WW_SCAN_AMX
        case .best: WW_SCAN_BEST
        }
    }
}
