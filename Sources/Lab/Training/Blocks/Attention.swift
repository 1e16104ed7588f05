import Tensors

/// Which tokens a token may look at.
package enum AttentionMask: Sendable {
    case none
    /// Itself and those before it.
    case causal
    /// The first so many of each sequence; to the scores of all others -1e6 is added, as the reference does.
    case keys([Int])

    func sizes(B: Int, T: Int, W: Int, H: Int) -> AttentionSizes {
        switch self {
        case .none: AttentionSizes(B: B, T: T, W: W, H: H)
        case .causal: AttentionSizes(B: B, T: T, W: W, H: H, isCausal: true)
        case .keys(let valid): AttentionSizes(B: B, T: T, W: W, H: H, lengths: valid)
        }
    }
}
