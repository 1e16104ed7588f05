package import Checkpoints
package import Tensors

/// X-Pool's pooling of a window's frames for a text: attention from the text to the frames, then one more layer.
///
/// The inputs are not normalised, and there are no position embeddings. T-MASS uses the same tensors under the same
/// names. Source: layer6ai-labs/xpool `modules/transformer.py`, commit bc88718; docs/MATHEMATICS.md, section 13.1.
package struct PooledByText {
    private let heads: Int
    private let norms: [LayerNorm]
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let outProjection: Linear
    private let linear: Linear
    private let normed: Matrix
    private let queries: Matrix
    private let normedFrames: Matrix
    private let keys: Matrix
    private let values: Matrix
    private let attended: Matrix

    /// Reads the tensors whose names begin with `pool_frames.` from a model file; `d` is the embedding width.
    package init(_ source: any TensorSource, width d: Int, heads: Int) throws {
        let p = "pool_frames"
        func layer(_ name: String, adds: Bool = false) throws -> Linear {
            try Linear(
                weight: source.floats("\(p).\(name).weight", shape: [d, d]),
                bias: source.floats("\(p).\(name).bias", shape: [d]), inputs: d, outputs: d, accumulate: adds)
        }
        self.heads = heads
        norms = try (1...3).map {
            LayerNorm(
                weight: try source.floats("\(p).layer_norm\($0).weight", shape: [d]),
                bias: try source.floats("\(p).layer_norm\($0).bias", shape: [d]), epsilon: 1e-5)
        }
        query = try layer("cross_attn.q_proj")
        key = try layer("cross_attn.k_proj")
        value = try layer("cross_attn.v_proj")
        outProjection = try layer("cross_attn.out_proj")
        linear = try layer("linear_proj", adds: true)
        func matrix() -> Matrix { Matrix(rows: 0, columns: d) }
        (normed, queries, normedFrames) = (matrix(), matrix(), matrix())
        (keys, values, attended) = (matrix(), matrix(), matrix())
    }

    /// Computes the pooled frames `out` `[P, width]` of P pairs of a text and a window.
    ///
    /// `texts` `[P, width]` has each pair's text. `frames` `[rows, width]` has the frames of all windows; pair p uses
    /// `counts[p]` of them, beginning with row `first[p]`.
    package func callAsFunction(
        texts: Matrix, frames: Matrix, first: [Int32], counts: [Int32], into out: Matrix
    ) throws {
        normed.resize(rows: texts.rows)
        norms[0](texts, into: normed)
        queries.resize(rows: texts.rows)
        try query(normed, into: queries)
        for matrix in [normedFrames, keys, values] { matrix.resize(rows: frames.rows) }
        norms[0](frames, into: normedFrames)
        try key(normedFrames, into: keys)
        try value(normedFrames, into: values)
        attended.attend(queries: queries, keys: keys, values: values, first: first, counts: counts, heads: heads)
        out.resize(rows: texts.rows)
        try outProjection(attended, into: out)
        norms[1](out, into: out)
        attended.regroup(out)
        try linear(attended, into: out)
        norms[2](out, into: out)
    }
}
