import CKernels
import Segments

/// Computes exact scores of windows, from all 16 bits of the stored embeddings.
struct ExactWindows {
    /// A window of frames with its score and its span of time; `ordinal` is the number of its last frame in the file.
    struct Window {
        var ordinal: Int
        var score: Float
        var mediaStart: Double
        var mediaEnd: Double
        var wallStart: Double
        var wallEnd: Double
    }

    private let texts: TextBatch
    private let query: HistoryQuery

    init(_ texts: TextBatch, _ query: HistoryQuery) { (self.texts, self.query) = (texts, query) }

    /// Returns the windows that end with the frames numbered `range`, with their scores for one text.
    ///
    /// Returns nil if one of the blocks no longer exists. `chain` is open with the lower bytes of the embeddings;
    /// `blocks` lists the blocks that a scan found in it.
    func windows(
        _ range: ClosedRange<Int>, _ text: Int, _ chain: SegmentChain, _ blocks: [SegmentScan.BlockPlace]
    ) -> [Window]? {
        let header = chain.header
        var span = BlockScan.span(header, query)
        let length = Int(span.length)
        let isOther = BlockScan.needsLow(header, query)
        var norms = isOther ? WindowNorms(length: length, padded: texts.padded) : nil
        let from = max(0, range.lowerBound - length + 1)
        var found: [Window] = []
        var dots: [(dot: Double, media: Double, wall: Double)] = []
        for place in blocks where place.first <= range.upperBound && place.first + place.entries > from {
            guard let block = chain.block(at: place.place) else { return nil }
            if !place.continues { dots.removeAll() }
            if !place.continues, isOther { norms?.clear() }
            var (row, dot, known) = (-1, 0.0, -1)
            for entry in 0..<min(place.entries, block.header.entries) {
                let flags = block.flags(entry)
                if flags.hasRow { row += 1 }
                let ordinal = place.first + entry
                guard ordinal >= from, ordinal <= range.upperBound else { continue }
                if flags.isDiscontinuity || flags.isBlind {
                    dots.removeAll()
                    norms?.clear()
                }
                guard !flags.isBlind, row >= 0 else { continue }
                let start = row * texts.padded
                if known != row {
                    dot = texts.exact(text, high: block.high + start, low: block.low + start, scale: block.scales[row])
                    known = row
                }
                dots.append((dot, block.media[entry], block.wall[entry]))
                var value = header.kind == .clips ? 1 : block.values[entry]
                if isOther {
                    value = norms?.push(high: block.high + start, low: block.low + start, scale: block.scales[row]) ?? 0
                }
                guard value > 0, dots.count >= length, ordinal >= range.lowerBound, let last = dots.last,
                    contains(last.media, last.wall, &span, isFilm: header.file != nil)
                else { continue }
                let first = dots[dots.count - length]
                let sum = dots.suffix(length).reduce(0) { $0 + $1.dot }
                let before = header.kind == .clips ? Double(block.values[entry]) : 0
                found.append(
                    Window(
                        ordinal: ordinal, score: Float(sum * Double(value)), mediaStart: first.media - before,
                        mediaEnd: last.media, wallStart: first.wall - (header.file == nil ? before : 0),
                        wallEnd: last.wall))
            }
        }
        return found
    }

    private func contains(_ media: Double, _ wall: Double, _ span: inout ww_history_span, isFilm: Bool) -> Bool {
        let time = isFilm ? media : wall
        return time >= span.from && time < span.to && wall >= span.wall_from && wall < span.wall_to
    }
}
