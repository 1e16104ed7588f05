import Foundation

/// What must be reached for a window to match a query.
package enum ThresholdRule: Sendable, Hashable {
    /// The score: a cosine for pooling heads, a logit for `tight`.
    case score(Float)
    /// The query's probability among its contrasts, at the model's logit scale and bias.
    case contrast(against: [String], probability: Float)
    /// The score that the stream's own background reaches so many times a day; learnt.
    case budget(falseAlertsPerDay: Double)

    /// The threshold, where it is known without looking at a stream.
    ///
    /// A score, or a probability for contrasts; nil for a budget, whose threshold is learnt per stream.
    package var fixedThreshold: Float? {
        switch self {
        case .score(let threshold), .contrast(_, let threshold): threshold
        case .budget: nil
        }
    }

    /// The key that a configuration gives the rule by.
    package var key: String {
        switch self {
        case .score: "threshold"
        case .contrast: "against"
        case .budget: "false_alerts_per_day"
        }
    }

    /// Most contrasts of one query.
    package static let mostContrasts = 64
    /// Probability that a contrast asks for when it is not said: more likely than all its contrasts together.
    package static let defaultProbability: Float = 0.5
    /// Alerts a day that a budget may allow: from one in three years to one every ten seconds.
    package static let budgets: ClosedRange<Double> = 0.001...8640

    /// What is wrong with the rule; nil if nothing is.
    var problem: QueryPartError? {
        switch self {
        case .score(let threshold):
            return threshold.isFinite
                ? nil : QueryPartError("threshold", "expected a finite number, found \(threshold)")
        case .contrast(let texts, let probability):
            guard (1...Self.mostContrasts).contains(texts.count) else {
                return QueryPartError("against", "expected 1 to \(Self.mostContrasts) texts, found \(texts.count)")
            }
            for text in texts { if let problem = StandingQuery.problem(ofText: text, "against") { return problem } }
            guard probability > 0, probability < 1 else {
                return QueryPartError("probability", "expected a number between 0 and 1, found \(probability)")
            }
            return nil
        case .budget(let alerts):
            let range = Self.budgets
            return range.contains(alerts)
                ? nil
                : QueryPartError(
                    "false_alerts_per_day",
                    "expected \(range.lowerBound) to \(Int(range.upperBound)), found \(alerts)")
        }
    }
}

extension ThresholdRule {
    /// The query's share among its contrasts: of a softmax over all scores or, with a `bias`, of the sum of their
    /// sigmoid probabilities.
    ///
    /// `scale`: the model's logit scale, with which CLIP was trained to turn cosines into probabilities (Radford et al.
    /// 2021, section 2.3); 1 for logits. `bias`: SigLIP's, which was trained to give each pair a probability by itself
    /// (Zhai et al. 2023, section 3.2). Where all probabilities are small both shares are the same.
    package static func probability(
        _ score: Float, against contrasts: [Float], scale: Float, bias: Float? = nil
    ) -> Float {
        /// The natural logarithm of a score's weight among the others.
        func weight(_ score: Float) -> Double {
            let logit = Double(scale) * Double(score)
            guard let bias else { return logit }
            let biased = logit + Double(bias)
            // log(sigmoid(x)), without overflow on either side.
            return biased < 0 ? biased - log1p(exp(biased)) : -log1p(exp(-biased))
        }
        let own = weight(score)
        let others = contrasts.reduce(0.0) { $0 + exp(weight($1) - own) }
        return Float(1 / (1 + others))
    }
}
