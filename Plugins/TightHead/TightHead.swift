import Checkpoints
import HeadKit
import Tensors
import Transformer
public import WatchwordHeadABI

/// CLIP4Clip's tightTransf head: one transformer over the text and the frames; its first output token gives the score.
///
/// Neither text nor frames are normalised. There is no segment embedding and no LayerNorm on the input. Source:
/// docs/MATHEMATICS.md, section 7.
final class TightHead: PairingHead {
    let width: Int
    let maxFrames: Int
    private let positions: Matrix
    private let stack: TransformerStack
    private let poolNorm: LayerNorm
    private let poolDense: Linear
    private let similarity: Linear

    private let x: Matrix
    private let pooled: Matrix
    private let logits: Matrix
    private var lengths: [Int32] = []
    /// The index of each pair's text token within its sequence: always 0.
    private var firstTokens: [Int32] = []
    private static let logitColumns = 32

    init(width d: Int, maxFrames: Int, weights: any TensorSource, config: HeadConfig) throws {
        width = d
        self.maxFrames = maxFrames
        positions = try Matrix(
            HeadWeightSizes.positions(
                weights, "cross.embeddings.position_embeddings.weight", width: d, needed: maxFrames + 1),
            columns: d)
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
        // Padded to 32 outputs: with one output, rounding would depend on the number of pairs in the call.
        similarity = try Linear(
            weight: weights.floats("similarity_dense.weight", shape: [1, d])
                + [Float](repeating: 0, count: (Self.logitColumns - 1) * d),
            bias: weights.floats("similarity_dense.bias", shape: [1])
                + [Float](repeating: 0, count: Self.logitColumns - 1), inputs: d, outputs: Self.logitColumns)
        x = Matrix(rows: 0, columns: d)
        pooled = Matrix(rows: 0, columns: d)
        logits = Matrix(rows: 0, columns: Self.logitColumns)
    }

    func score(_ pairs: Pairs, into out: UnsafeMutableBufferPointer<Float>) throws {
        let tokens = pairs.windows.frameCount + 1
        x.resize(rows: pairs.count * tokens)
        lengths.removeAll(keepingCapacity: true)
        firstTokens.removeAll(keepingCapacity: true)
        for p in 0..<pairs.count {
            let window = Int(pairs.window[p])
            x.write(pairs.text(p), atRow: p * tokens)
            x.write(pairs.windows[window], atRow: p * tokens + 1, room: tokens - 1)
            // The text's token comes in addition to the frames' tokens.
            lengths.append(pairs.windows.valid[window] + 1)
            firstTokens.append(0)
        }
        x.add(positions, every: tokens)
        try stack(x, tokens: tokens, mask: .prefix(lengths), rows: firstTokens)
        pooled.resize(rows: pairs.count)
        logits.resize(rows: pairs.count)
        poolNorm(x, into: x)
        try poolDense(x, into: pooled)
        try similarity(pooled, into: logits)
        for p in 0..<pairs.count { out[p] = logits[p, 0] }
    }
}

private let descriptor = HeadDescriptor(
    name: "tight", version: "1.0.0", description: "text and frames in one transformer (CLIP4Clip tightTransf)",
    scores: .logits,
    create: { HeadCalls.create(TightHead.self, $0, $1, $2, $3, $4, $5, $6, $7) })

/// The plugin's C entry point, its only exported function; returns the head's descriptor, never nil.
@c(watchword_head_entry)
public func entry() -> UnsafePointer<watchword_head>? { descriptor.pointer }
