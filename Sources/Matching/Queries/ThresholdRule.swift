import Foundation

/// The condition under which a window matches a query.
package enum ThresholdRule: Sendable, Hashable {
    /// The score must reach this number: a cosine for most heads (scoring models), a logit for the head `tight`.
    case score(Float)
    /// The query's probability among contrasting texts must reach this number; the model's scale and bias are used.
    case contrast(against: [String], probability: Float)
    /// The score must reach a threshold that is learnt so that it gives this many false alerts a day.
    case budget(falseAlertsPerDay: Double)

    /// The configured threshold: a score, or a probability with contrasting texts; nil if the threshold is learnt per
    /// stream.
    package var fixedThreshold: Float? {
        switch self {
        case .score(let threshold), .contrast(_, let threshold): threshold
        case .budget: nil
        }
    }

    /// The key of this kind of rule in a configuration file.
    package var key: String {
        switch self {
        case .score: "threshold"
        case .contrast: "against"
        case .budget: "false_alerts_per_day"
        }
    }

    /// The greatest number of texts that one query is contrasted with.
    package static let mostContrasts = 64
    /// The default probability with contrasting texts: the query must be more likely than all of them together.
    package static let defaultProbability: Float = 0.5
    /// The valid numbers of false alerts a day: from one in three years to one every ten seconds.
    package static let budgets: ClosedRange<Double> = 0.001...8640

    /// The error of invalid values, such as a probability of 2; nil if all are valid.
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
    /// Returns the query's probability among its contrasting texts: its share of a softmax over all scores.
    ///
    /// With a `bias`, it is its share of the sum of all sigmoid probabilities. If these are small, both shares are
    /// equal.
    ///
    /// `scale` is the model's logit scale, with which CLIP was trained to turn cosines into probabilities (Radford et
    /// al. 2021, section 2.3); it is 1 for logits. `bias` is SigLIP's, which was trained to give each pair a separate
    /// probability (Zhai et al. 2023, section 3.2).
    package static func probability(
        _ score: Float, against contrasts: [Float], scale: Float, bias: Float? = nil
    ) -> Float {
        /// Returns the natural logarithm of a score's weight in the sum.
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
