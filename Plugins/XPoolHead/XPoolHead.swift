import Checkpoints
import HeadKit
import Tensors
import Transformer
public import WatchwordHeadABI

/// X-Pool: the score is the cosine of a text with a window's frames as that text pools them.
///
/// Source: layer6ai-labs/xpool, commit bc88718; FAMILIES section 8.1. Padding has no part in the softmax.
final class XPoolHead: PairingHead {
    let width: Int
    let maxFrames: Int
    private let pooling: PooledByText
    private let rows: PairRows
    private let pooled: Matrix

    init(width d: Int, maxFrames: Int, weights: any TensorSource, config: HeadConfig) throws {
        width = d
        self.maxFrames = maxFrames
        pooling = try PooledByText(weights, width: d, heads: config.attentionHeads(width: d, default: 1))
        rows = PairRows(width: d)
        pooled = Matrix(rows: 0, columns: d)
    }

    func score(_ pairs: Pairs, into out: UnsafeMutableBufferPointer<Float>) throws {
        rows.fill(pairs, room: pairs.windows.frameCount)
        try pooling(texts: rows.texts, frames: rows.frames, first: rows.first, counts: rows.counts, into: pooled)
        rows.texts.cosines(with: pooled, into: out)
    }
}

private let pairing = PairingExtension(
    givesCosines: true,
    score: { instance, texts, Q, frames, mask, B, T, pairText, pairWindow, P, out, why, size in
        HeadCalls.score(
            XPoolHead.self, instance, texts, Q, frames, mask, B, T, pairText, pairWindow, P, out, why, size)
    })

private let descriptor = HeadDescriptor(
    name: "xpool", version: "1.0.0", description: "frames pooled by the attention of each text (X-Pool)",
    create: { width, frames, tensors, count, config, instance, why, size in
        HeadCalls.create(XPoolHead.self, width, frames, tensors, count, config, instance, why, size)
    },
    destroy: { HeadCalls.destroy(XPoolHead.self, $0) }, pool: nil, getExtension: { pairing.answer($0) })

/// The plugin's one exported function.
@c(watchword_head_entry)
public func entry() -> UnsafePointer<watchword_head>? { descriptor.pointer }
