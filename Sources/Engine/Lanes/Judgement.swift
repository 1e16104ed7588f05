import CLIP
import Matching

/// The value of a window under a query's rule, and the threshold that it is compared with.
struct Judgement {
    /// The score, or the probability of a contrast; nil if the window was not scored.
    let value: Float?
    /// The threshold; infinite while a budget's threshold is being learnt.
    let threshold: Float

    /// The judgement of a window that shows nothing.
    static func blind(_ standing: RegisteredQuery) -> Judgement {
        Judgement(value: nil, threshold: standing.query.rule.fixedThreshold ?? .infinity)
    }
}

/// A query's judgement of a window, with its inputs.
struct WindowJudgement {
    /// The number of queries that are reported, the oldest ones, since an index of more would not score them all.
    static let mostQueries: Slot = 1000

    let standing: RegisteredQuery
    /// The scores; nil if the head did not score the window.
    let found: Found?
    let judgement: Judgement
    let span: WindowSpan
    let lane: Lane
    /// The scale and bias that turn the scores into probabilities; `scores` is their kind.
    let scoring: Scoring
    let scores: ScoreKind

    init(
        _ standing: RegisteredQuery, _ found: Found?, _ judgement: Judgement, _ span: WindowSpan, _ lane: Lane,
        _ scoring: Scoring, _ scores: ScoreKind
    ) {
        (self.standing, self.found, self.judgement, self.span) = (standing, found, judgement, span)
        (self.lane, self.scoring, self.scores) = (lane, scoring, scores)
    }
}

extension RegisteredQuery {
    /// The value that the rule compares with a threshold: the score, or its probability among the contrasts.
    ///
    /// `raised` is added to the score, and subtracted from the scores of contrasts.
    func value(of found: Found, raised: Float = 0, scoring: Scoring) -> Float {
        guard case .contrast = query.rule else { return found.score + raised }
        return ThresholdRule.probability(
            found.score + raised, against: found.contrasts.map { $0 - raised }, scale: scoring.scale,
            bias: scoring.bias)
    }

    /// Whether an error of `error` in the scores could change the result: the match, or the continuation of an event.
    func isUndecided(_ found: Found, error: Float, scoring: Scoring, on lane: Lane) -> Bool {
        guard let threshold = query.rule.fixedThreshold ?? lane.calibrations[slot]?.threshold else { return false }
        let least = value(of: found, raised: -error, scoring: scoring)
        let most = value(of: found, raised: error, scoring: scoring)
        func isBetween(_ threshold: Float) -> Bool { least < threshold && threshold <= most }
        return isBetween(threshold) || isBetween(threshold - policy.hysteresis) && lane.isInMotion(slot, key)
    }
}
