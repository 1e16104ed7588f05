import Foundation

/// The model's scale and bias, which turn cosines into scores and probabilities.
package struct Scoring: Sendable, Equatable {
    /// The factor of cosines: e to the `logit_scale`, usually 100.
    package let scale: Float
    /// The number added to the scaled cosine, in families trained with a sigmoid; nil in others.
    package let bias: Float?

    /// The scoring of a pairing head whose scores are logits already.
    package static let logits = Scoring(scale: 1, bias: nil)

    package init(scale: Float, bias: Float?) { (self.scale, self.bias) = (scale, bias) }

    package func score(_ cosine: Float) -> Float { scale * cosine + (bias ?? 0) }

    /// The probability of one pair by itself: the sigmoid of its score; nil without a bias.
    package func probability(_ cosine: Float) -> Float? { bias == nil ? nil : 1 / (1 + exp(-score(cosine))) }

    /// The probabilities of texts compared on one picture: sigmoids if there is a bias, else a softmax.
    package func probabilities(_ cosines: [Float]) -> [Float] {
        let scores = cosines.map(score)
        guard bias == nil else { return scores.map { 1 / (1 + exp(-$0)) } }
        let most = scores.max() ?? 0
        let powers = scores.map { exp($0 - most) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }
}
