/// What a head's scores are: it decides the default hysteresis, and the scale of probabilities.
package enum ScoreKind: Sendable, Equatable {
    /// Cosines of a clip embedding and a text embedding, -1 to 1, of a head that pools.
    case cosines
    /// Logits without bounds, of a head that only pairs texts and windows.
    case logits
}
