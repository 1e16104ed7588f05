import Engine
import History

/// Reads the frames around moments of a segment again, with their embeddings.
struct MomentFrames {
    private struct Block {
        let place: SegmentChain.Place
        /// Number of its first entry.
        let first: Int
        let continues: Bool
    }

    private let blocks: [Block]
    /// The times of the entries as moments tell them: by the wall clock, or by a film's own clock.
    private let times: [Double]
    private let reader: BlockReader

    /// Finds a segment's entries; throws where its header does not hold.
    init(
        _ segment: HistoryFolder.Segment, _ scan: WindowScan, _ skips: inout HistorySkips
    ) throws(HistoryProblem) {
        var (blocks, times) = ([Block](), [Double]())
        reader = try scan.scan(segment, &skips) { block in
            blocks.append(Block(place: block.place, first: times.count, continues: block.continues))
            times += segment.day == nil ? block.media : block.wall
            return true
        }
        (self.blocks, self.times) = (blocks, times)
    }

    /// The entries around a time, as far as they lie in a span, and `lead` before them; throws where one is not there
    /// any more.
    ///
    /// As frames of a lane, the first of which continues none.
    func frames(
        around time: Double, in span: Range<Double>, lead: Int, lane: String
    ) throws(HistoryProblem) -> [RecordedFrame] {
        guard let nearest = times.indices.min(by: { abs(times[$0] - time) < abs(times[$1] - time) }),
            span.contains(times[nearest])
        else { return [] }
        var (first, last) = (nearest, nearest)
        while first > 0, span.contains(times[first - 1]) { first -= 1 }
        while last + 1 < times.count, span.contains(times[last + 1]) { last += 1 }
        first = max(0, first - lead)
        var found: [RecordedFrame] = []
        var order = EntryOrder()
        for (place, block) in blocks.enumerated() {
            let end = place + 1 < blocks.count ? blocks[place + 1].first : times.count
            let (from, to) = (max(first, block.first), min(last + 1, end))
            guard from < to else { continue }
            order.begin(continues: block.continues)
            for (entry, embedding) in try reader.entries(from - block.first..<to - block.first, of: block.place) {
                let isBreak = !order.continues(entry.flags) || found.isEmpty
                found.append(RecordedFrame(entry, embedding, lane: lane, isDiscontinuity: isBreak))
            }
        }
        return found
    }
}
