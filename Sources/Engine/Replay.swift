package import CLIP
import Foundation
package import Heads
package import Matching

/// Runs queries over the recorded frames of one lane (a stream or region), to find the events that they would have.
///
/// It uses the same code as live scoring. Pictures are not recorded, so no window is scored again in float32; windows
/// where float32 might decide otherwise are marked. Not Sendable: one thread uses it, which need not be the engine's.
package final class Replay {
    /// A window's value for one query, and the threshold that it is compared with.
    package struct Value: Sendable {
        /// The value that is compared with the threshold: the score, or the probability of a query with contrasting
        /// texts.
        package let value: Float
        /// The query's threshold; infinite while it is being learnt.
        package let threshold: Float
        package let span: WindowSpan
        /// True if the value is so close to the threshold that the recorded embeddings' error may have decided.
        package let isUndecided: Bool
    }

    private let book: QueryBook
    private let evaluator: WindowEvaluator
    private let scorer: FrameScorer
    private let lane: Lane
    private let model: String
    private let slots: [String: Slot]

    /// Makes a replay; throws if a query's head (the plugin that scores windows) cannot be used with the CLIP model.
    ///
    /// `name` is the lane's name, and `labels` are its stream's. `start` is the first frame's time in seconds since
    /// 1970, for active hours. `error` is the greatest difference between cosines of recorded and of live embeddings.
    package init(
        _ queries: [EmbeddedQuery], lane name: String, labels: [String] = [],
        model: ModelDirectory, finder: HeadFinder, rerank: Int = StandingQuery.defaultRerank,
        calibration: CalibrationSettings = CalibrationSettings(), start: Double, error: Float = 0
    ) throws {
        let book = QueryBook { try QueryGroup($0, model: model, finder: finder) }
        var slots: [String: Slot] = [:]
        for one in queries {
            slots[one.query.id] = try book.add(one.query, one.embedding, at: start).slot
        }
        let scoring = try model.scoring()
        (self.book, self.slots, self.model) = (book, slots, model.identity)
        self.error = (error, error * scoring.scale)
        evaluator = WindowEvaluator(
            book, exact: nil, model: model.identity, scoring: scoring, calibration: calibration, rerank: rerank,
            isLive: false, now: { .now })
        evaluator.remembersHour = false
        scorer = FrameScorer(book, evaluator, model: model.identity, partial: false)
        lane = Lane(
            name, labels: labels,
            window: FrameWindow(width: model.architecture.embedding, capacity: max(1, book.longestWindow)))
    }

    /// The greatest differences between scores of recorded and of live embeddings, for cosines and for logits.
    private let error: (cosines: Float, logits: Float)

    /// Calls `tell` with the value of every later window in which this query is active.
    package func follow(_ id: String, _ tell: @escaping (Value) -> Void) {
        let slot = slots[id]
        evaluator.onJudgement = { [error] window in
            let judgement = window.judgement
            guard window.standing.slot == slot, let value = judgement.value, value.isFinite else { return }
            let error = window.scores == .logits ? error.logits : error.cosines
            let isUndecided =
                window.found.map {
                    window.standing.isUndecided($0, error: error, scoring: window.scoring, on: window.lane)
                } ?? false
            tell(Value(value: value, threshold: judgement.threshold, span: window.span, isUndecided: isUndecided))
        }
    }

    /// Processes the next recorded frames, and returns events and scores; throws if a head (scoring model) fails.
    package func take(_ frames: [RecordedFrame]) throws -> BatchResult {
        var step = BatchResult()
        var start = 0
        while start < frames.count {
            // Active hours and expiry are applied between batches, so a batch ends where they change, and where the
            // clock was set back.
            let change = book.nextChange(from: frames[start].wallClock)
            var end = start + 1
            while end < frames.count, end - start < Self.batch, frames[end].wallClock < change,
                frames[end].wallClock >= frames[end - 1].wallClock
            { end += 1 }
            let items = frames[start..<end].map { (lane, FrameScorer.Item.frame(EmbeddedFrame($0))) }
            scorer.take(items, of: [lane], at: frames[start].wallClock, &step)
            if let failure = step.failures.first { throw failure.cause ?? failure }
            start = end
        }
        return step
    }

    /// The state after the frames replayed so far; it decides whether frames can be skipped.
    package enum Rest: Sendable {
        /// An event is open, or a match has begun.
        case busy
        /// Only cooldowns (pauses after events) run: until a window matches, nothing but their end changes the state.
        case cooling
        /// Nothing is in progress: until a window matches, the state does not change.
        case idle
    }
    package var rest: Rest { lane.rest }

    /// Ends the open events, at the end of the recording.
    package func end() -> [Detection] { lane.close(book, model: model) }

    /// Returns the learnt state of a query's threshold; nil if its threshold is fixed.
    package func calibration(of id: String) -> Calibration? { slots[id].flatMap { lane.calibrations[$0] } }

    private static let batch = 64
}
