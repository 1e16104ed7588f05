import Engine
import Foundation
import History
import Matching
import Tensors

/// Learns the backgrounds of queries with a budget on one lane, from a scan of the mean head's windows.
///
/// The scores have an RMS error of 0.0005 at a width of 512, far less than the spread of a background.
struct LearningScan {
    private struct Learner {
        let query: StandingQuery
        var calibration: Calibration
        var hours: WatchedHours
    }

    /// The greatest number of queries in one scan: their scores then stay in the processor's cache.
    static let most = 64

    private let texts: [[Float]]
    private let width: Int
    private let frames: Int
    private var learners: [Learner]

    /// Makes a scan for at most `most` queries of the mean head, with a budget, and with windows of one length.
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

    /// Returns the calibrations after all of a lane's windows that end before `to`, in seconds since 1970.
    ///
    /// Returns none once `goesOn` returned false.
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
