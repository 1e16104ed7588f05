/// What a head's scores are: it decides the default hysteresis, and the scale of probabilities.
package enum ScoreKind: Sendable, Equatable {
    /// Cosines, -1 to 1: of every head that pools, and of pairing heads that say so.
    case cosines
    /// Logits without bounds: of pairing heads that say nothing else.
    case logits
}
