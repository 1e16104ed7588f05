/// The kind of a head's scores: it determines the default hysteresis, and how probabilities are computed.
package enum ScoreKind: Sendable, Equatable {
    /// Cosines from -1 to 1: of every pooling head, and of pairing heads that say so.
    case cosines
    /// Unbounded logits: of all other pairing heads.
    case logits
}
