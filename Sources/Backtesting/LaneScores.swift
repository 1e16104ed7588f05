import Engine
import Foundation
import History
import Segments

/// The approximate scores of a query on one stream or region, from a fast scan of its recording.
///
/// The scan reads only the first byte of each number. The scores tell which frames need exact scores. It holds 24 bytes
/// for each frame. Not Sendable: it belongs to one thread.
final class LaneScores {
    /// One recorded frame, and the score of the window that ends at it.
    struct Frame {
        /// The frame's time in seconds since 1970.
        let wall: Double
        /// The value that the tested query's rule compares with its threshold, for the window that ends at this frame.
        ///
        /// It is NaN if no window ends here or the value is unknown, and minus infinity if the picture is blind (black,
        /// frozen or blurred).
        var value = Float.nan
        /// The index of the frame in its block, a group of frames in a file.
        fileprivate let entry: UInt16
        /// True if the frame begins a new sequence: it does not continue the previous frame.
        let isBreak: Bool
        /// True if, by the approximate scores, one of the queries may match the window that ends at this frame.
        var isCandidate = false
        /// True if `value` is exact; false if it is from the fast scan.
        var isExact = false

        fileprivate init(wall: Double, entry: Int, isBreak: Bool) {
            (self.wall, self.entry, self.isBreak) = (wall, UInt16(entry), isBreak)
        }
    }

    private struct Block {
        /// The index in `readers` of the file that contains this block of frames.
        let reader: Int
        let place: SegmentChain.Place
        /// The index in `frames` of the first frame in this block, a group of frames in a file.
        let first: Int
    }

    let name: String
    let rules: ScannedRules
    var frames: [Frame] = []
    /// The index of the first frame in the tested time; earlier frames only fill its first window.
    private(set) var begin = 0
    private var readers: [BlockReader] = []
    private var blocks: [Block] = []

    init(_ name: String, _ rules: ScannedRules) { (self.name, self.rules) = (name, rules) }

    /// Scans the files of a recording; stops early if `goesOn` returns false.
    ///
    /// `from` and `to` are in seconds since 1970, `to` not included.
    func scan(_ history: LaneHistory, from: Double, to: Double, _ skips: inout HistorySkips, _ goesOn: () -> Bool) {
        let scan = WindowScan(rules.texts, width: rules.width, frames: rules.frames)
        var at = Progress(
            from: from, to: to, walk: LaneWalk(frames: rules.frames), hours: rules.all.map { WatchedHours($0.query) })
        for segment in history.segments where goesOn() {
            at.walk.begin(segment)
            do throws(HistoryProblem) {
                let reader = try scan.scan(segment, &skips) { block in
                    take(block, &at)
                    return goesOn()
                }
                readers.append(reader)
            } catch {
                skips.note(error)
            }
        }
        if !at.hasBegun { begin = frames.count }
    }

    private struct Progress {
        let from: Double
        let to: Double
        var walk: LaneWalk
        var hasBegun = false
        /// The hours in which each query is watched, in the order of the rules.
        var hours: [WatchedHours]
        var contrasts: [Float] = []
    }

    private func take(_ block: WindowScan.Block, _ at: inout Progress) {
        at.walk.begin(block)
        blocks.append(Block(reader: readers.count, place: block.place, first: frames.count))
        for entry in 0..<block.entries {
            let wall = block.wall[entry]
            guard let step = at.walk.step(block, entry), wall < at.to else { continue }
            var frame = Frame(wall: wall, entry: entry, isBreak: step.isBreak)
            if wall >= at.from {
                if !at.hasBegun { begin = frames.count }
                at.hasBegun = true
                if step.isBlind { frame.value = -.infinity }
                if step.isFull { judge(&frame, block, entry, &at) }
            }
            frames.append(frame)
        }
    }

    /// Computes each rule's approximate value of the window that ends at this frame, and whether a query may match it.
    private func judge(_ frame: inout Frame, _ block: WindowScan.Block, _ entry: Int, _ at: inout Progress) {
        guard block.hasWindow(entry) else {
            // The window began in the previous file, so the scan cannot compute its score: let the replay decide.
            frame.isCandidate = true
            return
        }
        for place in at.hours.indices where at.hours[place].contain(frame.wall) {
            let rule = rules.all[place]
            at.contrasts.removeAll(keepingCapacity: true)
            for text in rule.contrasts { at.contrasts.append(block.score(text, entry)) }
            let value = rule.value(block.score(rule.text, entry), at.contrasts)
            if place == 0 { frame.value = value }
            if value >= rule.floor { frame.isCandidate = true }
        }
    }

    /// Reads the frames with these indices and their embeddings from the files; throws if a file no longer exists.
    func read(_ range: Range<Int>) throws(HistoryProblem) -> [RecordedFrame] {
        var found: [RecordedFrame] = []
        found.reserveCapacity(range.count)
        // Find the last block that begins at or before the first frame; blocks without frames begin at the same index.
        var low = 0
        var high = blocks.count
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle].first <= range.lowerBound { low = middle + 1 } else { high = middle }
        }
        var number = max(0, low - 1)
        while number < blocks.count, blocks[number].first < range.upperBound {
            let block = blocks[number]
            number += 1
            let end = number < blocks.count ? blocks[number].first : frames.count
            let own = range.clamped(to: block.first..<max(block.first, end))
            guard let first = own.first, let last = own.last, block.reader < readers.count else { continue }
            let entries = Int(frames[first].entry)..<Int(frames[last].entry) + 1
            let rows = try readers[block.reader].entries(entries, of: block.place)
            for frame in own {
                let row = rows[Int(frames[frame].entry) - entries.lowerBound]
                found.append(
                    RecordedFrame(row.entry, row.embedding, lane: name, isDiscontinuity: frames[frame].isBreak))
            }
        }
        return found
    }
}
