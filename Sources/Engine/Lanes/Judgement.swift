import CLIP
import Matching

/// A window's value for one query, and the threshold that it is compared with.
struct Judgement {
    /// The score, or the probability of a query with contrasting texts; nil if the window was not scored.
    let value: Float?
    /// The query's threshold; infinite while it is being learnt.
    let threshold: Float

    /// Returns the decision about a window without a usable picture: it has no value, so it does not match.
    static func blind(_ standing: RegisteredQuery) -> Judgement {
        Judgement(value: nil, threshold: standing.query.rule.fixedThreshold ?? .infinity)
    }
}

/// The decision of one query about one window, with the scores that it was made from.
struct WindowJudgement {
    /// The number of queries whose decisions are reported: those with a smaller number (slot) than this.
    ///
    /// With more queries, the search index does not compute all scores.
    static let mostQueries: Slot = 1000

    let standing: RegisteredQuery
    /// The window's scores for the query and its contrasting texts; nil if they were not computed.
    let found: Found?
    let judgement: Judgement
    let span: WindowSpan
    let lane: Lane
    /// The scale and bias that turn the scores into probabilities; `scores` says if they are cosines or logits.
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
    /// Returns the value to compare with the threshold: the score, or the probability of a query with contrasting
    /// texts.
    ///
    /// `raised` is added to the query's score, and subtracted from the contrasting texts' scores.
    func value(of found: Found, raised: Float = 0, scoring: Scoring) -> Float {
        guard case .contrast = query.rule else { return found.score + raised }
        return ThresholdRule.probability(
            found.score + raised, against: found.contrasts.map { $0 - raised }, scale: scoring.scale,
            bias: scoring.bias)
    }

    /// Returns true if scores that are wrong by `error` could change whether the window matches or continues an event.
    func isUndecided(_ found: Found, error: Float, scoring: Scoring, on lane: Lane) -> Bool {
        guard let threshold = query.rule.fixedThreshold ?? lane.calibrations[slot]?.threshold else { return false }
        let least = value(of: found, raised: -error, scoring: scoring)
        let most = value(of: found, raised: error, scoring: scoring)
        func isBetween(_ threshold: Float) -> Bool { least < threshold && threshold <= most }
        return isBetween(threshold) || isBetween(threshold - policy.hysteresis) && lane.isInMotion(slot, key)
    }
}
