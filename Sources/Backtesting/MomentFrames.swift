import Engine
import History
import Segments

/// Reads recorded frames and their embeddings around given times from one file of a recording.
struct MomentFrames {
    private struct Block {
        let place: SegmentChain.Place
        /// The index in the file of the first frame of this block (a group of frames).
        let first: Int
        let continues: Bool
    }

    private let blocks: [Block]
    /// The time of each frame in the file: seconds since 1970, or seconds from the beginning of a video file.
    private let times: [Double]
    private let reader: BlockReader

    /// Lists the frames in a recording's file; throws if its header is invalid.
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

    /// Returns the frames in `span` around the frame nearest to `time`, and up to `lead` frames before them.
    ///
    /// The first of them begins a new sequence. Returns an empty array if the nearest frame is not in `span`. Throws if
    /// the file no longer exists.
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
