package import Checkpoints
package import Tensors

/// Pools an image encoder's tokens into one vector h by attention, then computes `h +=
/// c_proj(act(c_fc(layernorm(h))))`.
///
/// Attention's only query is a learnt constant. So an attention head's scores are products of the tokens with one
/// vector, and values are computed only for pooled tokens. Source: big_vision `vit.py`, `MAPHead`; docs/MATHEMATICS.md,
/// sections 12.3 and 12.6.
package struct AttentionPooling {
    private let heads: Int
    private let score: Linear
    private let value: Linear
    private let outProjection: Linear
    private let norm: LayerNorm
    private let expand: Linear
    private let contract: Linear
    private let scores: Matrix
    private let means: Matrix
    private let values: Matrix
    private let joined: Matrix
    private let normed: Activations
    private let inner: Activations
    private let sums: Activations

    /// Reads the tensors whose names begin with `prefix`, named as by Meta: `probe`, `attn.in_proj_weight` and so on.
    ///
    /// `shape` gives the width, epsilon and activation function of the encoder, and the number of attention heads of
    /// this pooling.
    package init(
        _ source: some TensorSource, prefix p: String, shape: TransformerShape, precision: Precision,
        packed: PackedWeights? = nil
    ) throws {
        let w = shape.width
        let weights = try source.floats("\(p).attn.in_proj_weight", shape: [3 * w, w])
        let biases = try source.floats("\(p).attn.in_proj_bias", shape: [3 * w])
        let probe = try source.floats("\(p).probe", shape: [1, 1, w])
        heads = shape.heads
        score = try Linear(
            weight: Self.queries(probe, weights, biases, width: w, heads: heads), bias: nil, inputs: w, outputs: heads)
        value = try Linear(
            weight: Array(weights[(2 * w * w)...]), bias: Array(biases[(2 * w)...]), inputs: w, outputs: w)
        outProjection = try Linear(
            weight: source.floats("\(p).attn.out_proj.weight", shape: [w, w]),
            bias: source.floats("\(p).attn.out_proj.bias", shape: [w]), inputs: w, outputs: w)
        norm = LayerNorm(
            weight: try source.floats("\(p).layernorm.weight", shape: [w]),
            bias: try source.floats("\(p).layernorm.bias", shape: [w]), epsilon: shape.epsilon)
        let size = source.tensors["\(p).mlp.c_fc.bias"]?.shape.first ?? 4 * w
        guard (1...Self.widest).contains(size) else {
            throw CheckpointError(source.origin, .wrongShape("\(p).mlp.c_fc.bias", found: [size], expected: [4 * w]))
        }
        func linear(
            _ name: String, _ inputs: Int, _ outputs: Int, _ output: LinearOutput, _ activation: Activation = .none
        ) throws -> Linear {
            try source.check("\(p).\(name).weight", shape: [outputs, inputs])
            return try Linear(
                name: "\(p).\(name).weight", weight: { try source.floats("\(p).\(name).weight") },
                bias: source.floats("\(p).\(name).bias", shape: [outputs]), inputs: inputs, outputs: outputs,
                activation: activation, output: output, precision: precision, packed: packed)
        }
        expand = try linear("mlp.c_fc", w, size, .activations, shape.activation)
        contract = try linear("mlp.c_proj", size, w, .residual)
        scores = Matrix(rows: 0, columns: heads)
        means = Matrix(rows: 0, columns: w)
        values = Matrix(rows: 0, columns: w)
        joined = Matrix(rows: 0, columns: w)
        normed = Activations(columns: w)
        inner = Activations(columns: size)
        sums = Activations(columns: max(w, size))
    }

    /// The greatest accepted width of the MLP's hidden layer; published models have at most 8,960.
    private static let widest = 1 << 20

    /// Returns the product of each attention head's query with its key weights, `[heads, width]`.
    ///
    /// The key biases are left out: they add the same number to the scores of all tokens, which softmax ignores.
    private static func queries(
        _ probe: [Float], _ weights: [Float], _ biases: [Float], width w: Int, heads: Int
    ) -> [Float] {
        let part = w / heads
        let scale = 1 / Float(part).squareRoot()
        let query = zip(Products.timesTransposed(probe, Array(weights[..<(w * w)]), width: w), biases).map { $0 + $1 }
        var out = [Float](repeating: 0, count: heads * w)
        for row in 0..<w {
            let (head, q, start) = (row / part * w, query[row] * scale, (w + row) * w)
            for i in 0..<w { out[head + i] += q * weights[start + i] }
        }
        return out
    }

    /// Computes one vector per sequence, `out` `[sequences, width]`, from the tokens `x` `[sequences · tokens, width]`.
    package func callAsFunction(_ x: Matrix, tokens: Int, into out: Matrix) throws {
        scores.resize(rows: x.rows)
        try score(x, into: scores)
        means.pool(x, scores: scores, tokens: tokens)
        values.resize(rows: means.rows)
        try value(means, into: values)
        joined.joinHeads(values, heads: heads)
        out.resize(rows: joined.rows)
        try outProjection(joined, into: out)
        norm(out, into: normed, as: expand.takes)
        try expand(normed, into: inner, as: contract.takes, scratch: sums)
        try contract(inner, into: out, scratch: sums)
    }
}
