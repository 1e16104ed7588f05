import Tensors

/// Which tokens a token may look at.
package enum AttentionMask: Sendable {
    case none
    /// A token sees itself and the tokens before it.
    case causal
    /// A token sees the first keys of its sequence, as many as given; all other scores get -1e6, as in the reference.
    case keys([Int])

    func sizes(B: Int, T: Int, W: Int, H: Int) -> AttentionSizes {
        switch self {
        case .none: AttentionSizes(B: B, T: T, W: W, H: H)
        case .causal: AttentionSizes(B: B, T: T, W: W, H: H, isCausal: true)
        case .keys(let valid): AttentionSizes(B: B, T: T, W: W, H: H, lengths: valid)
        }
    }
}
