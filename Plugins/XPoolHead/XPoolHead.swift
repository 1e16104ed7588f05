import Checkpoints
import HeadKit
import Tensors
import Transformer
public import WatchwordHeadABI

/// X-Pool head: the cosine of a text with the window's frames, pooled by the text's attention to them.
///
/// Padding frames get no attention. Source: layer6ai-labs/xpool, commit bc88718; docs/MATHEMATICS.md, section 13.1.
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

private let descriptor = HeadDescriptor(
    name: "xpool", version: "1.0.0", description: "frames pooled by the attention of each text (X-Pool)",
    scores: .cosines,
    create: { HeadCalls.create(XPoolHead.self, $0, $1, $2, $3, $4, $5, $6, $7) })

/// The plugin's C entry point, its only exported function; returns the head's descriptor, never nil.
@c(watchword_head_entry)
public func entry() -> UnsafePointer<watchword_head>? { descriptor.pointer }
