import Checkpoints
import HeadKit
public import WatchwordHeadABI

/// CLIP4Clip's meanP: each frame embedding made unit, averaged, made unit again.
///
/// Source: CLIP4CLIP sections 6 and 7. It has no weights, and cannot know the order of the frames.
final class MeanHead: PoolingHead {
    let width: Int
    let maxFrames: Int
    /// It has no scratch to bound.
    static let batch = Int.max

    init(width: Int, maxFrames: Int, weights: any TensorSource, config: HeadConfig) {
        self.width = width
        self.maxFrames = maxFrames
    }

    func pool(_ windows: FrameWindows, into out: UnsafeMutableBufferPointer<Float>) {
        MaskedMean.pool(windows, into: out)
    }
}

private let descriptor = HeadDescriptor(
    name: "mean", version: "1.0.0", description: "mean of unit frame embeddings (CLIP4Clip meanP); blind to order",
    create: { width, frames, tensors, count, config, instance, why, size in
        HeadCalls.create(MeanHead.self, width, frames, tensors, count, config, instance, why, size)
    },
    destroy: { HeadCalls.destroy(MeanHead.self, $0) },
    pool: { instance, frames, mask, B, T, out, why, size in
        HeadCalls.pool(MeanHead.self, instance, frames, mask, B, T, out, why, size)
    })

/// The plugin's one exported function.
@c(watchword_head_entry)
public func entry() -> UnsafePointer<watchword_head>? { descriptor.pointer }
