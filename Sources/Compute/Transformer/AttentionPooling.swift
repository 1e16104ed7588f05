package import Checkpoints
package import Tensors

/// Pools a tower's tokens by the attention of one learnt query, then `h += c_proj(act(c_fc(layernorm(h))))`.
///
/// The query is constant. So a head's scores are products of the tokens with one vector, and values are computed only
/// for the pooled tokens. Source: big_vision `vit.py`, `MAPHead`; docs/MATHEMATICS.md, sections 12.3 and 12.6.
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

    /// Reads the tensors below `prefix`, in Meta's names: `probe`, `attn.in_proj_weight` and so on.
    ///
    /// `shape` has the tower's width, epsilon and activation, and the number of the pooling's own attention heads.
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

    /// The widest hidden layer of the MLP that is accepted; published models have at most 8,960.
    private static let widest = 1 << 20

    /// Returns each attention head's query times the weights of its keys, `[heads, width]`.
    ///
    /// The biases of the keys are left out: they add the same number to every score.
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

    /// Computes out `[sequences, width]` from x `[sequences · tokens, width]`.
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
