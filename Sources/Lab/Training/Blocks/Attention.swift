import Tensors

/// Selects the tokens that a token attends to.
package enum AttentionMask: Sendable {
    case none
    /// A token sees itself and the tokens before it.
    case causal
    /// A token attends to the first keys of its sequence, as many as given; other scores get -1e6, as in CLIP4Clip.
    case keys([Int])

    func sizes(B: Int, T: Int, W: Int, H: Int) -> AttentionSizes {
        switch self {
        case .none: AttentionSizes(B: B, T: T, W: W, H: H)
        case .causal: AttentionSizes(B: B, T: T, W: W, H: H, isCausal: true)
        case .keys(let valid): AttentionSizes(B: B, T: T, W: W, H: H, lengths: valid)
        }
    }
}
