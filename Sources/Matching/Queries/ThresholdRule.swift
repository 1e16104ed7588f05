import Foundation

/// The condition under which a window matches a query.
package enum ThresholdRule: Sendable, Hashable {
    /// The score reaches this number: a cosine for pooling heads, a logit for `tight`.
    case score(Float)
    /// The query's probability among its contrasts, at the model's logit scale and bias, reaches this number.
    case contrast(against: [String], probability: Float)
    /// The score reaches a learnt threshold, which the lane's background reaches this many times a day.
    case budget(falseAlertsPerDay: Double)

    /// The threshold that is known without any stream; nil for a budget, whose threshold is learnt on each lane.
    ///
    /// It is a score, or for contrasts a probability.
    package var fixedThreshold: Float? {
        switch self {
        case .score(let threshold), .contrast(_, let threshold): threshold
        case .budget: nil
        }
    }

    /// The rule's key in a configuration.
    package var key: String {
        switch self {
        case .score: "threshold"
        case .contrast: "against"
        case .budget: "false_alerts_per_day"
        }
    }

    /// The greatest number of contrasts of one query.
    package static let mostContrasts = 64
    /// The default probability for contrasts: the query is then more likely than all contrasts together.
    package static let defaultProbability: Float = 0.5
    /// The valid budgets in alerts a day: from one in three years to one every ten seconds.
    package static let budgets: ClosedRange<Double> = 0.001...8640

    /// The problem of the rule; nil if it is valid.
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
    /// The query's share among its contrasts: of a softmax over all scores.
    ///
    /// With a `bias`, it is the share of the sum of their sigmoid probabilities. If all probabilities are small, both
    /// shares are equal.
    ///
    /// `scale` is the model's logit scale, with which CLIP was trained to turn cosines into probabilities (Radford et
    /// al. 2021, section 2.3); it is 1 for logits. `bias` is SigLIP's, which was trained to give each pair a
    /// probability by itself (Zhai et al. 2023, section 3.2).
    package static func probability(
        _ score: Float, against contrasts: [Float], scale: Float, bias: Float? = nil
    ) -> Float {
        /// The natural logarithm of a score's weight in the sum.
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
