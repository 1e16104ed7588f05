import Engine
import Foundation
import History
import Matching
import Segments
import Tensors

/// Learns thresholds of queries from fast, slightly inexact scores of one recording.
///
/// It is for queries that state a number of false alerts a day and use the head `mean`, which averages frame
/// embeddings. The scores have an RMS error of 0.0005 at a width of 512, far less than their spread.
struct LearningScan {
    private struct Learner {
        let query: StandingQuery
        var calibration: Calibration
        var hours: WatchedHours
    }

    /// The greatest number of queries that one pass over a recording scores.
    ///
    /// The scores of so many queries stay in the processor's cache.
    static let most = 64

    private let texts: [[Float]]
    private let width: Int
    private let frames: Int
    private var learners: [Learner]

    /// Prepares to score the recorded windows of a stream or region for at most `most` queries.
    ///
    /// All must use the head `mean`, state a number of false alerts a day, and have the same number of frames in a
    /// window.
    init(_ queries: [EmbeddedQuery], width: Int, settings: CalibrationSettings) {
        texts = queries.map { Products.unit($0.embedding.query) }
        (self.width, frames) = (width, queries.first?.query.frames ?? 1)
        learners = queries.compactMap { one in
            guard case .budget(let alerts) = one.query.rule else { return nil }
            return Learner(
                query: one.query, calibration: Calibration(falseAlertsPerDay: alerts, settings: settings),
                hours: WatchedHours(one.query))
        }
    }

    /// Scores the recorded windows of a stream or region, and returns what each query's threshold learnt from them.
    ///
    /// It uses windows that end at `from` or later and before `to`, in seconds since 1970. Returns an empty array if
    /// `goesOn` returned false.
    mutating func run(
        _ lane: LaneHistory, from: Double, to: Double, _ skips: inout HistorySkips, goesOn: () -> Bool
    ) -> [Calibration] {
        let scan = WindowScan(texts, width: width, frames: frames)
        var walk = LaneWalk(frames: frames)
        var clock = LaneClock()
        for segment in lane.segments where goesOn() {
            walk.begin(segment)
            do throws(HistoryProblem) {
                _ = try scan.scan(segment, &skips) { block in
                    walk.begin(block)
                    for entry in 0..<block.entries {
                        let wall = block.wall[entry]
                        guard let step = walk.step(block, entry), step.isFull, block.hasWindow(entry), wall >= from,
                            wall < to
                        else { continue }
                        clock.advance(media: block.media[entry], wall: wall)
                        learn(block, entry, at: clock.now, wall)
                    }
                    return goesOn()
                }
            } catch { skips.note(error) }
        }
        return goesOn() ? learners.map(\.calibration) : []
    }

    private mutating func learn(_ block: WindowScan.Block, _ entry: Int, at time: Double, _ wall: Double) {
        for place in learners.indices where learners[place].hours.contain(wall) {
            _ = learners[place].calibration.observe(block.score(place, entry), at: time)
        }
    }
}
