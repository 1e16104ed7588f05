package import Checkpoints
package import Tensors

/// The sizes, epsilon and activation function of a transformer.
package struct TransformerShape: Sendable, Equatable {
    package let width: Int
    package let heads: Int
    package let layers: Int
    /// The number added to the variance in every LayerNorm: 1e-5 in CLIP's encoders, 1e-12 in CLIP4Clip's temporal
    /// models.
    package let epsilon: Float
    package let activation: Activation

    package init(width: Int, heads: Int, layers: Int, epsilon: Float = 1e-5, activation: Activation = .quickGELU) {
        self.width = width
        self.heads = heads
        self.layers = layers
        self.epsilon = epsilon
        self.activation = activation
    }
}

/// A transformer: residual attention blocks, applied one after the other.
package struct TransformerStack {
    package let shape: TransformerShape
    private let blocks: [ResidualAttentionBlock]
    private let workspace: TransformerWorkspace

    /// Reads the blocks named `prefix.0`, `prefix.1` and so on; a prefix is, say, "visual.transformer.resblocks".
    package init(
        _ source: some TensorSource, prefix: String, shape: TransformerShape, precision: Precision = .f32,
        packed: PackedWeights? = nil
    ) throws {
        self.shape = shape
        blocks = try (0..<shape.layers).map {
            try ResidualAttentionBlock(
                source, prefix: "\(prefix).\($0)", shape: shape, precision: precision, packed: packed)
        }
        workspace = TransformerWorkspace(
            width: shape.width, inner: source.tensors["\(prefix).0.mlp.c_fc.weight"]?.shape.first ?? 4 * shape.width)
    }

    /// Applies all blocks in place to the tokens `x` `[sequences · tokens, width]`.
    ///
    /// If `rows` selects one token of each sequence, the last block computes only these, and `x` becomes `[sequences,
    /// width]`. `trace` is called with `x` after every block.
    package func callAsFunction(
        _ x: Matrix, tokens: Int, mask: AttentionMask, rotary: RotaryPositions? = nil, rows: [Int32]? = nil,
        trace: ((Matrix) -> Void)? = nil
    ) throws {
        for (index, block) in blocks.enumerated() {
            let last = index == blocks.count - 1
            try block(
                x, tokens: tokens, mask: mask, rotary: rotary, rows: last ? rows : nil, workspace: workspace)
            trace?(x)
        }
    }
}

/// Scratch memory shared by all blocks of a transformer; it grows to the largest batch and is then kept.
package final class TransformerWorkspace {
    let normed: Activations
    let packed: Activations
    /// Queries, keys and values after rotary positions, if these cannot be applied in place.
    let turned: Activations
    let attended: Activations
    let inner: Activations
    /// The int32 sums of the int8 layer that is being computed.
    let sums: Activations

    package init(width: Int, inner: Int) {
        normed = Activations(columns: width)
        packed = Activations(columns: 3 * width)
        turned = Activations(columns: 3 * width)
        attended = Activations(columns: width)
        self.inner = Activations(columns: inner)
        sums = Activations(columns: inner)
    }
}
