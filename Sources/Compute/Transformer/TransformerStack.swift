package import Checkpoints
package import Tensors

/// Sizes and constants of a stack of blocks.
package struct TransformerShape: Sendable, Equatable {
    package let width: Int
    package let heads: Int
    package let layers: Int
    /// Inside the root of every LayerNorm: 1e-5 in the CLIP towers, 1e-12 in the heads (CLIP4CLIP section 3).
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

/// Residual attention blocks, one after the other.
package struct TransformerStack {
    package let shape: TransformerShape
    private let blocks: [ResidualAttentionBlock]
    private let workspace: TransformerWorkspace

    /// Reads `prefix.0`, `prefix.1`, …; a prefix is, say, "visual.transformer.resblocks".
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

    /// x `[sequences · tokens, width]`, in place; with `rows`, x becomes `[sequences, width]`, the wanted tokens.
    ///
    /// `trace` sees x after every block but a shortened last one.
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

/// Scratch memory that all blocks of a stack share; grows to the largest batch, then stays.
package final class TransformerWorkspace {
    let normed: Activations
    let packed: Activations
    /// Queries, keys and values that were turned, where it cannot be done in place.
    let turned: Activations
    let attended: Activations
    let inner: Activations
    /// Sums of whichever product is under way.
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
