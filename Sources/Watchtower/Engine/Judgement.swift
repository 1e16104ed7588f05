import Matching

/// What a query's rule makes of a window's scores: a value, and the threshold that it is compared with.
struct Judgement {
    /// The score, or the probability of a contrast; nil where the window was not looked at.
    let value: Float?
    /// Infinite while a budget's threshold is being learnt.
    let threshold: Float

    /// A window that shows nothing.
    static func blind(_ standing: Standing) -> Judgement {
        Judgement(value: nil, threshold: standing.query.rule.fixedThreshold ?? .infinity)
    }
}
