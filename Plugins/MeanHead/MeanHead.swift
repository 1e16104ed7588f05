import Checkpoints
import HeadKit
public import WatchwordHeadABI

/// CLIP4Clip's meanP: each frame embedding made unit, averaged, made unit again.
///
/// Source: CLIP4CLIP sections 6 and 7. It has no weights, and cannot know the order of the frames.
final class MeanHead: PoolingHead {
    let width: Int
    let maxFrames: Int
    /// No limit on windows a call: this head keeps no scratch memory that would grow with them.
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
    create: { HeadCalls.create(MeanHead.self, $0, $1, $2, $3, $4, $5, $6, $7) })

/// The plugin's one exported function.
@c(watchword_head_entry)
public func entry() -> UnsafePointer<watchword_head>? { descriptor.pointer }
