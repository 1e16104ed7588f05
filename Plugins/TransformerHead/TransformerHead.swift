import Checkpoints
import HeadKit
import Tensors
import Transformer
public import WatchwordHeadABI

/// CLIP4Clip's seqTransf head: a transformer whose outputs are added to a window's frames, then averaged over them.
///
/// Position embeddings are added to the transformer's input. There is no final LayerNorm; LayerNorm's epsilon is 1e-12.
/// Source: docs/MATHEMATICS.md, section 7.
final class TransformerHead: PoolingHead {
    let width: Int
    let maxFrames: Int
    private let positions: Matrix
    private let stack: TransformerStack
    private let x: Matrix

    init(width: Int, maxFrames: Int, weights: any TensorSource, config: HeadConfig) throws {
        self.width = width
        self.maxFrames = maxFrames
        positions = try Matrix(
            HeadWeightSizes.positions(weights, "frame_position_embeddings.weight", width: width, needed: maxFrames),
            columns: width)
        let prefix = "transformerClip.resblocks"
        stack = try TransformerStack(
            weights, prefix: prefix,
            shape: TransformerShape(
                width: width, heads: config.attentionHeads(width: width),
                layers: HeadWeightSizes.layers(weights, prefix: prefix), epsilon: 1e-12))
        x = Matrix(rows: 0, columns: width)
    }

    func pool(_ windows: FrameWindows, into out: UnsafeMutableBufferPointer<Float>) throws {
        let T = windows.frameCount
        x.resize(rows: windows.count * T)
        for b in 0..<windows.count { x.write(windows[b], atRow: b * T, room: T) }
        x.add(positions, every: T)
        try stack(x, tokens: T, mask: .prefix(windows.valid))
        x.pool(adding: windows.frames, lengths: windows.valid, frames: T, into: out)
    }
}

private let descriptor = HeadDescriptor(
    name: "transformer", version: "1.0.0", description: "transformer blocks over the frames (CLIP4Clip seqTransf)",
    create: { HeadCalls.create(TransformerHead.self, $0, $1, $2, $3, $4, $5, $6, $7) })

/// The plugin's C entry point, its only exported function; returns the head's descriptor, never nil.
@c(watchword_head_entry)
public func entry() -> UnsafePointer<watchword_head>? { descriptor.pointer }
