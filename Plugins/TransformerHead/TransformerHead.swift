import Checkpoints
import HeadKit
import Tensors
import Transformer
public import WatchwordHeadABI

/// CLIP4Clip's seqTransf: blocks over frames with positions, the frames without them added, then the mean head's end.
///
/// Source: CLIP4CLIP section 7. No final norm; LayerNorm epsilon 1e-12 (S15).
final class TransformerHead: PoolingHead {
    let width: Int
    let maxFrames: Int
    private let positions: [Float]
    private let stack: TransformerStack

    /// Windows that go through the blocks together.
    private static let batch = 64
    private let x: Matrix
    private let frames: Matrix
    private var rows: [Float] = []
    private var output: [Float] = []

    init(width: Int, maxFrames: Int, weights: any TensorSource, config: HeadConfig) throws {
        self.width = width
        self.maxFrames = maxFrames
        positions = try HeadWeightSizes.positions(
            weights, "frame_position_embeddings.weight", width: width, needed: maxFrames)
        let prefix = "transformerClip.resblocks"
        stack = try TransformerStack(
            weights, prefix: prefix,
            shape: TransformerShape(
                width: width, heads: config.attentionHeads(width: width),
                layers: HeadWeightSizes.layers(weights, prefix: prefix), epsilon: 1e-12))
        x = Matrix(rows: 0, columns: width)
        frames = Matrix(rows: 0, columns: width)
    }

    func pool(_ windows: Windows, into out: UnsafeMutableBufferPointer<Float>) throws {
        let T = windows.frameCount
        let positions = Array(self.positions.prefix(T * width))
        output.removeAll(keepingCapacity: true)
        for first in stride(from: 0, to: windows.count, by: Self.batch) {
            let range = first..<min(first + Self.batch, windows.count)
            rows.removeAll(keepingCapacity: true)
            for b in range { windows.append(b, to: &rows) }
            for matrix in [x, frames] {
                matrix.resize(rows: range.count * T)
                matrix.write(rows, atRow: 0)
            }
            x.add(repeating: positions)
            try stack(x, tokens: T, mask: .prefix(windows.valid[range].map(Int32.init)))
            x.add(frames)
            output.append(contentsOf: x.values)
        }
        output.withUnsafeBufferPointer {
            MaskedMean.pool(Windows(frames: $0, valid: windows.valid, frameCount: T, width: width), into: out)
        }
    }
}

private let descriptor = HeadDescriptor(
    name: "transformer", version: "1.0.0", description: "transformer blocks over the frames (CLIP4Clip seqTransf)",
    create: { width, frames, tensors, count, config, instance, why, size in
        HeadCalls.create(TransformerHead.self, width, frames, tensors, count, config, instance, why, size)
    },
    destroy: { HeadCalls.destroy(TransformerHead.self, $0) },
    pool: { instance, frames, mask, B, T, out, why, size in
        HeadCalls.pool(TransformerHead.self, instance, frames, mask, B, T, out, why, size)
    })

/// The plugin's one exported function.
@c(watchword_head_entry)
public func entry() -> UnsafePointer<watchword_head>? { descriptor.pointer }
