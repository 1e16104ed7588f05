import Foundation

/// What makes scores of cosines, and probabilities of scores.
package struct Scoring: Sendable, Equatable {
    /// The factor of cosines: e to the `logit_scale`, as a rule 100.
    package let scale: Float
    /// What is added, in families that a sigmoid was trained with; nil in others.
    package let bias: Float?

    package init(scale: Float, bias: Float?) { (self.scale, self.bias) = (scale, bias) }

    package func score(_ cosine: Float) -> Float { scale * cosine + (bias ?? 0) }

    /// Probabilities of texts that are compared for one picture: each by itself where there is a bias, else by softmax.
    package func probabilities(_ cosines: [Float]) -> [Float] {
        let scores = cosines.map(score)
        guard bias == nil else { return scores.map { 1 / (1 + exp(-$0)) } }
        let most = scores.max() ?? 0
        let powers = scores.map { exp($0 - most) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }
}
