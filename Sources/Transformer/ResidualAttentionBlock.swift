package import Checkpoints
package import Tensors

/// CLIP's residual attention block: `x += attn(ln_1(x))`, then `x += c_proj(act(c_fc(ln_2(x))))`.
///
/// Source: openai/CLIP `model.py`, `ResidualAttentionBlock`; CLIP4CLIP section 3. The one implementation for both CLIP
/// towers and for the heads.
package struct ResidualAttentionBlock {
    private let norm1: LayerNorm
    private let norm2: LayerNorm
    private let inProjection: Linear
    private let attention: Attention
    private let outProjection: Linear
    private let expand: Linear
    private let contract: Linear

    /// Reads the twelve tensors below `prefix` ("transformer.resblocks.0"), named as in OpenAI's state dicts.
    package init(_ source: some TensorSource, prefix p: String, shape: TransformerShape) throws {
        let w = shape.width
        let inner = source.tensors["\(p).mlp.c_fc.weight"]?.shape.first ?? 4 * w
        guard inner > 0 else {
            throw CheckpointError(
                source.origin, .wrongShape("\(p).mlp.c_fc.weight", found: [inner], expected: [4 * w, w]))
        }
        func floats(_ name: String, _ sizes: Int...) throws -> [Float] {
            try source.floats("\(p).\(name)", shape: sizes)
        }
        norm1 = LayerNorm(
            weight: try floats("ln_1.weight", w), bias: try floats("ln_1.bias", w), epsilon: shape.epsilon)
        norm2 = LayerNorm(
            weight: try floats("ln_2.weight", w), bias: try floats("ln_2.bias", w), epsilon: shape.epsilon)
        inProjection = try Linear(
            weight: floats("attn.in_proj_weight", 3 * w, w), bias: floats("attn.in_proj_bias", 3 * w),
            inputs: w, outputs: 3 * w)
        attention = Attention(heads: shape.heads, width: w)
        outProjection = try Linear(
            weight: floats("attn.out_proj.weight", w, w), bias: floats("attn.out_proj.bias", w),
            inputs: w, outputs: w, accumulate: true)
        expand = try Linear(
            weight: floats("mlp.c_fc.weight", inner, w), bias: floats("mlp.c_fc.bias", inner),
            inputs: w, outputs: inner, activation: shape.activation)
        contract = try Linear(
            weight: floats("mlp.c_proj.weight", w, inner), bias: floats("mlp.c_proj.bias", w),
            inputs: inner, outputs: w, accumulate: true)
    }

    /// x `[sequences · tokens, width]`, in place.
    ///
    /// With `rows`, one token a sequence, only that token is carried through what follows attention, and x becomes
    /// `[sequences, width]`: all that the last block of a tower needs.
    package func callAsFunction(
        _ x: Matrix, tokens: Int, mask: AttentionMask, rows: [Int32]? = nil, workspace: TransformerWorkspace
    ) throws {
        let space = workspace
        space.normed.resize(rows: x.rows)
        space.packed.resize(rows: x.rows)
        norm1(x, into: space.normed)
        try inProjection(space.normed, into: space.packed)
        if let rows {
            for (sequence, row) in rows.enumerated() {
                x.copyRow(sequence, from: x, row: sequence * tokens + Int(row))
            }
            x.resize(rows: rows.count)
        }
        space.attended.resize(rows: x.rows)
        attention(
            space.packed, tokens: tokens, causal: mask.causal, lengths: mask.lengths, rows: rows,
            into: space.attended)
        try outProjection(space.attended, into: x)
        space.normed.resize(rows: x.rows)
        space.inner.resize(rows: x.rows)
        norm2(x, into: space.normed)
        try expand(space.normed, into: space.inner)
        try contract(space.inner, into: x)
    }
}

/// Which keys a token may see.
package struct AttentionMask {
    package let causal: Bool
    /// Keys that count in each sequence, a prefix; all, if nil.
    package let lengths: [Int32]?

    package static let none = AttentionMask(causal: false, lengths: nil)
    package static let causal = AttentionMask(causal: true, lengths: nil)
    /// Padded keys get -1e6 in the reference, which is exactly weight 0 in float32: they are skipped here.
    package static func prefix(_ lengths: [Int32]) -> AttentionMask {
        AttentionMask(causal: false, lengths: lengths)
    }
}
