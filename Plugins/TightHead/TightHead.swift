import Checkpoints
import HeadKit
import Tensors
import Transformer
public import WatchwordHeadABI

/// CLIP4Clip's tightTransf: text and frames of a pair go through one transformer, whose first token gives the score.
///
/// Source: CLIP4CLIP section 7. Neither part is normalised; no segment embedding and no embedding norm (S9).
final class TightHead: PairingHead {
    let width: Int
    let maxFrames: Int
    private let positions: [Float]
    private let stack: TransformerStack
    private let poolNorm: LayerNorm
    private let poolDense: Linear
    private let similarity: Linear

    /// Pairs that go through the blocks together.
    private static let batch = 64
    private let x: Matrix
    private let pooled: Matrix
    private let logits: Matrix
    private let firstTokens = [Int32](repeating: 0, count: batch)
    private var rows: [Float] = []
    private var scores: [Float] = []

    init(width d: Int, maxFrames: Int, weights: any TensorSource, config: HeadConfig) throws {
        width = d
        self.maxFrames = maxFrames
        positions = try HeadWeightSizes.positions(
            weights, "cross.embeddings.position_embeddings.weight", width: d, needed: maxFrames + 1)
        let prefix = "cross.transformer.resblocks"
        let epsilon: Float = 1e-12
        stack = try TransformerStack(
            weights, prefix: prefix,
            shape: TransformerShape(
                width: d, heads: config.attentionHeads(width: d),
                layers: HeadWeightSizes.layers(weights, prefix: prefix), epsilon: epsilon))
        poolNorm = try LayerNorm(
            weight: weights.floats("cross.pooler.ln_pool.weight", shape: [d]),
            bias: weights.floats("cross.pooler.ln_pool.bias", shape: [d]), epsilon: epsilon)
        poolDense = try Linear(
            weight: weights.floats("cross.pooler.dense.weight", shape: [d, d]),
            bias: weights.floats("cross.pooler.dense.bias", shape: [d]), inputs: d, outputs: d, activation: .quickGELU)
        similarity = try Linear(
            weight: weights.floats("similarity_dense.weight", shape: [1, d]),
            bias: weights.floats("similarity_dense.bias", shape: [1]), inputs: d, outputs: 1)
        x = Matrix(rows: 0, columns: d)
        pooled = Matrix(rows: 0, columns: d)
        logits = Matrix(rows: 0, columns: 1)
    }

    func score(_ pairs: Pairs, into out: UnsafeMutableBufferPointer<Float>) throws {
        let tokens = pairs.windows.frameCount + 1
        let positions = Array(self.positions.prefix(tokens * width))
        scores.removeAll(keepingCapacity: true)
        for first in stride(from: 0, to: pairs.count, by: Self.batch) {
            let range = first..<min(first + Self.batch, pairs.count)
            rows.removeAll(keepingCapacity: true)
            for pair in range {
                let text = Int(pairs.text[pair]) * width
                rows.append(contentsOf: pairs.texts[text..<text + width])
                pairs.windows.append(Int(pairs.window[pair]), to: &rows)
            }
            x.resize(rows: range.count * tokens)
            x.write(rows, atRow: 0)
            x.add(repeating: positions)
            // The text is one key more than the frames.
            let lengths = range.map { Int32(pairs.windows.valid[Int(pairs.window[$0])] + 1) }
            try stack(x, tokens: tokens, mask: .prefix(lengths), rows: Array(firstTokens.prefix(range.count)))
            pooled.resize(rows: range.count)
            logits.resize(rows: range.count)
            poolNorm(x, into: x)
            try poolDense(x, into: pooled)
            try similarity(pooled, into: logits)
            for row in 0..<range.count { scores.append(logits[row, 0]) }
        }
        _ = out.update(fromContentsOf: scores)
    }
}

private let pairing = PairingExtension(
    score: { instance, texts, Q, frames, mask, B, T, pairText, pairWindow, P, out, why, size in
        HeadCalls.score(
            TightHead.self, instance, texts, Q, frames, mask, B, T, pairText, pairWindow, P, out, why, size)
    })

private let descriptor = HeadDescriptor(
    name: "tight", version: "1.0.0", description: "text and frames in one transformer (CLIP4Clip tightTransf)",
    create: { width, frames, tensors, count, config, instance, why, size in
        HeadCalls.create(TightHead.self, width, frames, tensors, count, config, instance, why, size)
    },
    destroy: { HeadCalls.destroy(TightHead.self, $0) }, pool: nil, getExtension: { pairing.answer($0) })

/// The plugin's one exported function.
@c(watchword_head_entry)
public func entry() -> UnsafePointer<watchword_head>? { descriptor.pointer }
