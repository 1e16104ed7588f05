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
    /// What cosines are multiplied by to make logits of them.
    let scale: Float

    init(
        _ standing: RegisteredQuery, _ found: Found?, _ judgement: Judgement, _ span: WindowSpan, _ lane: Lane,
        scale: Float
    ) {
        (self.standing, self.found, self.judgement, self.span) = (standing, found, judgement, span)
        (self.lane, self.scale) = (lane, scale)
    }
}

extension RegisteredQuery {
    /// The value that the rule compares with a threshold: the score, or its probability among the contrasts.
    ///
    /// `raised`: by how much the score is taken to be higher. `scale`: what cosines are multiplied by to make logits of
    /// them.
    func value(of found: Found, raised: Float = 0, scale: Float) -> Float {
        guard case .contrast = query.rule else { return found.score + raised }
        return ThresholdRule.probability(found.score + raised, against: found.contrasts, scale: scale)
    }

    /// Whether scores that are off by `error` would match, or hold an event that goes on, where these do not, or the
    /// reverse.
    func isUndecided(_ found: Found, error: Float, scale: Float, on lane: Lane) -> Bool {
        guard let threshold = query.rule.fixedThreshold ?? lane.calibrations[slot]?.threshold else { return false }
        // Contrasts are off, too.
        let error = found.contrasts.isEmpty ? error : 2 * error
        let least = value(of: found, raised: -error, scale: scale)
        let most = value(of: found, raised: error, scale: scale)
        func isBetween(_ threshold: Float) -> Bool { least < threshold && threshold <= most }
        return isBetween(threshold) || isBetween(threshold - policy.hysteresis) && lane.isInMotion(slot, key)
    }
}
