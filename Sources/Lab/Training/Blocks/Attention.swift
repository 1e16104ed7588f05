import Tensors

/// The tokens of a sequence that each of its tokens can attend to in an attention layer.
package enum AttentionMask: Sendable {
    case none
    /// Each token attends to itself and to the tokens before it.
    case causal
    /// In sequence i, all tokens attend to the first n tokens, where n is element i of the array.
    ///
    /// The scores of other tokens get -1e6 added, as in CLIP4Clip.
    case keys([Int])

    func sizes(B: Int, T: Int, W: Int, H: Int) -> AttentionSizes {
        switch self {
        case .none: AttentionSizes(B: B, T: T, W: W, H: H)
        case .causal: AttentionSizes(B: B, T: T, W: W, H: H, isCausal: true)
        case .keys(let valid): AttentionSizes(B: B, T: T, W: W, H: H, lengths: valid)
        }
    }
}
