/// The kind of a head's scores (a head is a model that scores windows): cosines or logits.
///
/// It determines the default hysteresis, and how scores become probabilities.
package enum ScoreKind: Sendable, Equatable {
    /// Cosines from -1 to 1: from heads that embed a window, and from heads that score a text with a window and say so.
    case cosines
    /// Unbounded logits, from all other heads.
    case logits
}
