package import Checkpoints
package import Tensors

/// CLIP's residual attention block: `x += attn(ln_1(x))`, then `x += c_proj(act(c_fc(ln_2(x))))`.
///
/// CLIP's two encoders and the temporal heads (models over a window's frames) use it. Source: openai/CLIP `model.py`,
/// `ResidualAttentionBlock`; docs/MATHEMATICS.md, section 3.
package struct ResidualAttentionBlock {
    private let norm1: LayerNorm
    private let norm2: LayerNorm
    private let inProjection: Linear
    private let attention: Attention
    private let outProjection: Linear
    private let expand: Linear
    private let contract: Linear

    /// Reads the twelve tensors whose names begin with a prefix such as "transformer.resblocks.0", named as by OpenAI.
    ///
    /// Weights that the cache file `packed` contains are not read.
    package init(
        _ source: some TensorSource, prefix p: String, shape: TransformerShape, precision: Precision = .f32,
        packed: PackedWeights? = nil
    ) throws {
        let w = shape.width
        let inner = source.tensors["\(p).mlp.c_fc.weight"]?.shape.first ?? 4 * w
        guard inner > 0 else {
            throw CheckpointError(
                source.origin, .wrongShape("\(p).mlp.c_fc.weight", found: [inner], expected: [4 * w, w]))
        }
        func floats(_ name: String, _ sizes: Int...) throws -> [Float] {
            try source.floats("\(p).\(name)", shape: sizes)
        }
        func linear(
            _ name: String, bias: String, _ inputs: Int, _ outputs: Int, _ output: LinearOutput,
            _ activation: Activation = .none
        ) throws -> Linear {
            try source.check("\(p).\(name)", shape: [outputs, inputs])
            return try Linear(
                name: "\(p).\(name)", weight: { try floats(name, outputs, inputs) }, bias: floats(bias, outputs),
                inputs: inputs, outputs: outputs, activation: activation, output: output, precision: precision,
                packed: packed)
        }
        norm1 = LayerNorm(
            weight: try floats("ln_1.weight", w), bias: try floats("ln_1.bias", w), epsilon: shape.epsilon)
        norm2 = LayerNorm(
            weight: try floats("ln_2.weight", w), bias: try floats("ln_2.bias", w), epsilon: shape.epsilon)
        inProjection = try linear("attn.in_proj_weight", bias: "attn.in_proj_bias", w, 3 * w, .activations)
        attention = Attention(heads: shape.heads, width: w)
        outProjection = try linear("attn.out_proj.weight", bias: "attn.out_proj.bias", w, w, .residual)
        expand = try linear("mlp.c_fc.weight", bias: "mlp.c_fc.bias", w, inner, .activations, shape.activation)
        contract = try linear("mlp.c_proj.weight", bias: "mlp.c_proj.bias", inner, w, .residual)
    }

    /// Applies the block in place to the tokens `x` `[sequences · tokens, width]`.
    ///
    /// If `rows` selects one token of each sequence, only these are computed after attention, and `x` becomes
    /// `[sequences, width]`; that is enough for the last block of an encoder.
    package func callAsFunction(
        _ x: Matrix, tokens: Int, mask: AttentionMask, rotary: RotaryPositions? = nil, rows: [Int32]? = nil,
        workspace space: TransformerWorkspace
    ) throws {
        norm1(x, into: space.normed, as: inProjection.takes)
        try inProjection(space.normed, into: space.packed, scratch: space.sums)
        let packed = rotary.map { $0(space.packed, spare: space.turned) } ?? space.packed
        if let rows {
            for (sequence, row) in rows.enumerated() {
                x.copyRow(sequence, from: x, row: sequence * tokens + Int(row))
            }
            x.resize(rows: rows.count)
        }
        attention(
            packed, tokens: tokens, causal: mask.causal, lengths: mask.lengths, rows: rows,
            into: space.attended, as: outProjection.takes)
        try outProjection(space.attended, into: x, scratch: space.sums)
        norm2(x, into: space.normed, as: expand.takes)
        try expand(space.normed, into: space.inner, as: contract.takes, scratch: space.sums)
        try contract(space.inner, into: x, scratch: space.sums)
    }
}

/// The keys that attention uses for a token: all, the keys up to that token (`causal`), or the first of each sequence.
package struct AttentionMask {
    package let causal: Bool
    /// The number of keys that are used in each sequence, counted from its beginning; nil means all.
    package let lengths: [Int32]?

    package static let none = AttentionMask(causal: false, lengths: nil)
    package static let causal = AttentionMask(causal: true, lengths: nil)
    /// Returns a mask that leaves out the keys beyond each sequence's length.
    ///
    /// CLIP4Clip instead adds -1e6 to their scores, which gives weight 0 in float32: the result is the same.
    package static func prefix(_ lengths: [Int32]) -> AttentionMask {
        AttentionMask(causal: false, lengths: lengths)
    }
}
