package import CLIP
package import Engine
import Foundation
package import Heads
package import History
package import Matching
import Segments

/// Learns the score thresholds of queries from recorded frames, as they would have been learnt live.
///
/// It is for queries that state how many false alerts a day they may give instead of a threshold.
package struct HistoryLearning {
    private let queries: [EmbeddedQuery]
    private let model: ModelDirectory
    private let finder: HeadFinder
    private let rerank: Int
    private let calibration: CalibrationSettings
    private let labels: (String) -> [String]

    /// Makes a learner for the thresholds of these queries; `labels` returns the labels of a stream or region.
    ///
    /// Queries select streams and regions by name or by label.
    package init(
        _ queries: [EmbeddedQuery], model: ModelDirectory, finder: HeadFinder,
        rerank: Int, calibration: CalibrationSettings, labels: @escaping (String) -> [String]
    ) {
        (self.queries, self.model, self.finder, self.rerank) = (queries, model, finder, rerank)
        (self.calibration, self.labels) = (calibration, labels)
    }

    /// Learns from all recordings in `folder`; returns the thresholds that are certain enough to be fixed.
    ///
    /// They are given for each query and stream or region; `skipped` are messages about unreadable parts. Once `goesOn`
    /// returns false, the rest is left out. Throws if a head (the model that scores a window) fails or does not fit the
    /// model.
    package func run(
        _ folder: HistoryFolder, now: Double = Date().timeIntervalSince1970, goesOn: () -> Bool = { true }
    ) throws -> (learnt: [LearntCalibration], skipped: [String]) {
        var skips = HistorySkips()
        let lanes = LaneHistory.all(
            in: folder, model: model.historyIdentity, width: model.architecture.embedding,
            days: Int.min...HistoryFolder.day(at: now),
            selects: { lane in queries.contains { $0.query.settings.selector.matches(lane, labels: labels(lane)) } },
            &skips)
        var learnt: [LearntCalibration] = []
        for lane in lanes where goesOn() {
            let own = queries.filter { $0.query.settings.selector.matches(lane.name, labels: labels(lane.name)) }
            let scanned = own.filter { $0.query.head == "mean" }
            for alike in Dictionary(grouping: scanned, by: \.query.frames).values {
                for start in stride(from: 0, to: alike.count, by: LearningScan.most) {
                    let some = Array(alike[start..<min(start + LearningScan.most, alike.count)])
                    var scan = LearningScan(some, width: model.architecture.embedding, settings: calibration)
                    let found = scan.run(lane, from: -.infinity, to: now, &skips, goesOn: goesOn)
                    for (one, calibration) in zip(some, found) where calibration.pin != nil {
                        learnt.append(
                            LearntCalibration(query: one.query.id, lane: lane.name, calibration: calibration))
                    }
                }
            }
            learnt += try replayed(own.filter { $0.query.head != "mean" }, lane, now: now, &skips, goesOn)
        }
        return (learnt, skips.sentences)
    }

    /// Learns by running the recording through the engine, for heads (models that score a window) other than `mean`.
    private func replayed(
        _ own: [EmbeddedQuery], _ lane: LaneHistory, now: Double, _ skips: inout HistorySkips, _ goesOn: () -> Bool
    ) throws -> [LearntCalibration] {
        guard !own.isEmpty else { return [] }
        var replay: Replay?
        try lane.read(from: -.infinity, to: now, lead: 0, &skips, goesOn: goesOn) { frames in
            let going =
                try replay
                ?? Replay(
                    own, lane: lane.name, labels: labels(lane.name), model: model, finder: finder, rerank: rerank,
                    calibration: calibration, start: frames.first?.wallClock ?? now)
            replay = going
            _ = try going.take(frames)
        }
        guard let replay, goesOn() else { return [] }
        return own.compactMap { one in
            guard let calibration = replay.calibration(of: one.query.id), calibration.pin != nil else { return nil }
            return LearntCalibration(query: one.query.id, lane: lane.name, calibration: calibration)
        }
    }
}
