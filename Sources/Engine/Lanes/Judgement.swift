import CLIP
import Matching

/// The value of a window under a query's rule, and the threshold that it is compared with.
struct Judgement {
    /// The score, or the probability of a contrast; nil where the window was not looked at.
    let value: Float?
    /// Infinite while a budget's threshold is being learnt.
    let threshold: Float

    /// A window that shows nothing.
    static func blind(_ standing: RegisteredQuery) -> Judgement {
        Judgement(value: nil, threshold: standing.query.rule.fixedThreshold ?? .infinity)
    }
}

/// A query's judgement of a window, with what it came from.
struct WindowJudgement {
    /// Queries that are told of, the oldest ones: an index of more would not look at all of them.
    static let mostQueries: Slot = 1000

    let standing: RegisteredQuery
    /// Nil where the head did not score it.
    let found: Found?
    let judgement: Judgement
    let span: WindowSpan
    let lane: Lane
    /// What makes probabilities of its scores, and what they are.
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
    /// `raised`: by how much the score is taken to be higher, and those of contrasts to be lower.
    func value(of found: Found, raised: Float = 0, scoring: Scoring) -> Float {
        guard case .contrast = query.rule else { return found.score + raised }
        return ThresholdRule.probability(
            found.score + raised, against: found.contrasts.map { $0 - raised }, scale: scoring.scale,
            bias: scoring.bias)
    }

    /// Whether scores that are off by `error` would match, or hold an event that goes on, where these do not, or the
    /// reverse.
    func isUndecided(_ found: Found, error: Float, scoring: Scoring, on lane: Lane) -> Bool {
        guard let threshold = query.rule.fixedThreshold ?? lane.calibrations[slot]?.threshold else { return false }
        let least = value(of: found, raised: -error, scoring: scoring)
        let most = value(of: found, raised: error, scoring: scoring)
        func isBetween(_ threshold: Float) -> Bool { least < threshold && threshold <= most }
        return isBetween(threshold) || isBetween(threshold - policy.hysteresis) && lane.isInMotion(slot, key)
    }
}
