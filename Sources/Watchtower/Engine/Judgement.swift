import Foundation
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

    /// The query's share of a softmax over its own score and those of its contrasts.
    ///
    /// `scale`: the model's logit scale, with which CLIP was trained to turn cosines into probabilities (Radford et al. 2021,
    /// section 2.3); 1 for logits.
    static func probability(_ score: Float, against contrasts: [Float], scale: Float) -> Float {
        let others = contrasts.reduce(0.0) { $0 + exp(Double(scale) * Double($1 - score)) }
        return Float(1 / (1 + others))
    }
}
