import Foundation

/// The scale and bias of a model, which turn cosines into scores and probabilities.
package struct Scoring: Sendable, Equatable {
    /// The factor that turns a cosine into a logit: e to the power of the model's `logit_scale`, usually 100.
    package let scale: Float
    /// The number that is added to a scaled cosine, in models trained with a sigmoid (SigLIP); nil in others.
    package let bias: Float?

    /// The scale and bias for scores that are already logits, not cosines.
    package static let logits = Scoring(scale: 1, bias: nil)

    package init(scale: Float, bias: Float?) { (self.scale, self.bias) = (scale, bias) }

    package func score(_ cosine: Float) -> Float { scale * cosine + (bias ?? 0) }

    /// Returns the probability that a text matches a picture: the sigmoid of the score; nil without a bias.
    package func probability(_ cosine: Float) -> Float? { bias == nil ? nil : 1 / (1 + exp(-score(cosine))) }

    /// Returns the probability of each of several texts for one picture, given their cosines.
    ///
    /// These are sigmoids, each by itself, if the model has a bias; otherwise a softmax, which adds up to 1.
    package func probabilities(_ cosines: [Float]) -> [Float] {
        let scores = cosines.map(score)
        guard bias == nil else { return scores.map { 1 / (1 + exp(-$0)) } }
        let most = scores.max() ?? 0
        let powers = scores.map { exp($0 - most) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }
}
