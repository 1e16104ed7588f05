import Engine
import History
import Matching
import Segments

/// Runs a recording through the engine that also decides live, but only the parts in which a query may match.
///
/// A part begins one window before a frame where a query may match, and ends when no match, event or cooldown
/// continues. Between two parts the engine gets one blind picture (black, frozen or blurred), which matches nothing, as
/// the skipped frames do. During a cooldown it also gets each gap of the stream, because the cooldown is counted in the
/// stream's times.
struct SparseReplay {
    private let scores: LaneScores
    private let replay: Replay
    private let cursor: Cursor

    init(_ scores: LaneScores, _ replay: Replay) {
        let cursor = Cursor(scores)
        (self.scores, self.replay, self.cursor) = (scores, replay, cursor)
        replay.follow(scores.rules.all[0].query.id) { cursor.note($0) }
    }

    /// The number of exactly scored windows whose score is too close to the threshold to be certain.
    ///
    /// Scores of recorded frames have rounding errors.
    var undecided: Int { cursor.undecided }

    /// The position in the recording that has been scored exactly; a class, because a callback of the engine changes
    /// it.
    private final class Cursor {
        private let scores: LaneScores
        var next = 0
        var end = 0
        private(set) var undecided = 0

        init(_ scores: LaneScores) { self.scores = scores }

        /// Stores an exact score at the frame that ends its window.
        func note(_ value: Replay.Value) {
            while next < end, scores.frames[next].wall != value.span.wallEnd { next += 1 }
            guard next < end else { return }
            scores.frames[next].value = value.value
            scores.frames[next].isExact = true
            if value.isUndecided { undecided += 1 }
            next += 1
        }
    }

    /// The number of frames that pass through the engine in one step while a match, event or cooldown continues.
    private static let batch = 16

    /// Replays the parts of the recording around the wanted frames, and replaces approximate scores by exact ones.
    ///
    /// `isWanted` gets the index of a frame; `tell` gets the detections. Returns early if `goesOn` returns false.
    /// Throws if a head fails; parts whose file no longer exists are noted in `skips`.
    func run(
        _ skips: inout HistorySkips, goesOn: () -> Bool, isWanted: (Int) -> Bool, tell: ([Detection]) -> Void
    ) throws {
        let (lead, count) = (scores.rules.frames - 1, scores.frames.count)
        var at = 0
        while goesOn(), let wanted = next(from: at, isWanted) {
            let start = max(at, wanted - lead)
            var end = wanted + 1
            do {
                tell(try step(start..<end, hasGap: start > at))
                while replay.rest == .busy, end < count, goesOn() {
                    let more = end..<min(count, end + Self.batch)
                    tell(try step(more, hasGap: false))
                    end = more.upperBound
                }
            } catch let problem as HistoryProblem {
                skips.note(problem)
            }
            at = end
        }
    }

    private func next(from start: Int, _ isWanted: (Int) -> Bool) -> Int? {
        let seesBreaks = replay.rest == .cooling
        return (start..<scores.frames.count).first { isWanted($0) || seesBreaks && scores.frames[$0].isBreak }
    }

    private func step(_ range: Range<Int>, hasGap: Bool) throws -> [Detection] {
        var frames = try scores.read((hasGap ? range.lowerBound - 1 : range.lowerBound)..<range.upperBound)
        if hasGap, let last = frames.first {
            frames[0] = RecordedFrame(
                lane: last.lane, embedding: nil, mediaTime: last.mediaTime, wallClock: last.wallClock,
                isDiscontinuity: last.isDiscontinuity, isRepeat: false)
        }
        (cursor.next, cursor.end) = (range.lowerBound, range.upperBound)
        return try replay.take(frames).detections
    }
}
