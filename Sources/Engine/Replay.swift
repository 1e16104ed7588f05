package import CLIP
import Foundation
package import Heads
package import Matching

/// Queries over the recorded frames of one lane, by the code that decides live: what they would have been heard of.
///
/// Not Sendable: it belongs to one thread, which need not be the engine's. Pictures are not there any more, so no
/// window is scored again in float32; how many of those that were may have been decided otherwise is counted.
package final class Replay {
    /// The value of a window under a query's rule.
    package struct Value: Sendable {
        /// Score or probability: what the rule compares.
        package let value: Float
        /// What it was compared with; infinite while a budget's threshold is being learnt.
        package let threshold: Float
        package let span: WindowSpan
        /// Whether the history's own error may have decided: the value is that near the threshold.
        package let isUndecided: Bool
    }

    private let book: QueryBook
    private let evaluator: WindowEvaluator
    private let scorer: FrameScorer
    private let lane: Lane
    private let model: String
    private let slots: [String: Slot]

    /// Makes heads and windows of its own; throws where a query's head cannot be used with the model.
    ///
    /// `start`: the first frame's time in seconds since 1970, for queries that are not watched at all hours.
    /// `error`: how far cosines of the history may be off from those that decided live.
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

    /// Error of cosines and of logits.
    private let error: (cosines: Float, logits: Float)

    /// Tells from now on the value of every window that a query is watched in.
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

    /// Takes the lane's next frames; throws where a head fails.
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

    /// What goes on after the frames so far.
    package enum Rest: Sendable {
        /// An event is open, or a match has begun.
        case busy
        /// A cooldown runs: as long as nothing matches, windows change nothing but its end.
        case cooling
        /// As long as nothing matches, windows change nothing.
        case idle
    }
    package var rest: Rest { lane.rest }

    /// Ends what is open: nothing more comes.
    package func end() -> [Detection] { lane.close(book, model: model) }

    /// What was learnt of a query with a budget.
    package func calibration(of id: String) -> Calibration? { slots[id].flatMap { lane.calibrations[$0] } }

    private static let batch = 64
}
