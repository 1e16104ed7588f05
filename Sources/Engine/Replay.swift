package import CLIP
import Foundation
package import Heads
package import Matching

/// Runs queries over the recorded frames of one lane by the code that decides live, to find the events they would give.
///
/// Not Sendable: it belongs to one thread, which need not be the engine's. The pictures are gone, so no window is
/// scored again in float32; windows that this might have decided otherwise are counted.
package final class Replay {
    /// The value of a window under a query's rule.
    package struct Value: Sendable {
        /// The value that the rule compares: the score, or the probability of a contrast.
        package let value: Float
        /// The threshold; infinite while a budget's threshold is being learnt.
        package let threshold: Float
        package let span: WindowSpan
        /// Whether the value is so close to the threshold that the history's own error may have decided.
        package let isUndecided: Bool
    }

    private let book: QueryBook
    private let evaluator: WindowEvaluator
    private let scorer: FrameScorer
    private let lane: Lane
    private let model: String
    private let slots: [String: Slot]

    /// Makes a replay with heads and windows of its own; throws if a query's head cannot be used with the model.
    ///
    /// `start`: the first frame's time in seconds since 1970, for queries with active hours. `error`: how far cosines
    /// of the history may differ from those that decided live.
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

    /// The errors of cosines and of logits.
    private let error: (cosines: Float, logits: Float)

    /// Calls `tell` with the value of every later window in which a query is watched.
    package func follow(_ id: String, _ tell: @escaping (Value) -> Void) {
        let slot = slots[id]
        evaluator.onJudgement = { [error] of in
            guard of.standing.slot == slot, let value = of.judgement.value, value.isFinite else { return }
            let error = of.scores == .logits ? error.logits : error.cosines
            let isUndecided =
                of.found.map { of.standing.isUndecided($0, error: error, scoring: of.scoring, on: of.lane) } ?? false
            tell(Value(value: value, threshold: of.judgement.threshold, span: of.span, isUndecided: isUndecided))
        }
    }

    /// Processes the lane's next frames; throws if a head fails.
    package func take(_ frames: [RecordedFrame]) throws -> BatchResult {
        var step = BatchResult()
        var start = 0
        while start < frames.count {
            // A query's hours and expiry are looked at between batches: one ends where they change.
            let change = book.nextChange ?? .infinity
            var end = start + 1
            while end < frames.count, end - start < Self.batch, frames[end].wallClock < change { end += 1 }
            let items = frames[start..<end].map { (lane, FrameScorer.Item.frame(EmbeddedFrame($0))) }
            scorer.take(items, of: [lane], at: frames[start].wallClock, &step)
            if let failure = step.failures.first { throw failure.cause ?? failure }
            start = end
        }
        return step
    }

    /// The state of the rules after the frames replayed so far, which decides whether frames can be skipped.
    package enum Rest: Sendable {
        /// An event is open, or a match has begun.
        case busy
        /// A cooldown runs: until a window matches, only its end can change the state.
        case cooling
        /// Until a window matches, nothing changes the state.
        case idle
    }
    package var rest: Rest { lane.rest }

    /// Ends the open events at the end of the recording.
    package func end() -> [Detection] { lane.close(book, model: model) }

    /// The calibration of a query with a budget; nil if there is none.
    package func calibration(of id: String) -> Calibration? { slots[id].flatMap { lane.calibrations[$0] } }

    private static let batch = 64
}
