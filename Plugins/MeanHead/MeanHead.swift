import Checkpoints
import HeadKit
public import WatchwordHeadABI

/// CLIP4Clip's meanP head: frame embeddings are normalised, averaged, and normalised again.
final class MeanHead: PoolingHead {
    let width: Int
    let maxFrames: Int
    /// The greatest number of windows in one call: no limit, since the head needs no scratch memory for them.
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

/// The plugin's C entry point, its only exported function; returns the head's descriptor, never nil.
@c(watchword_head_entry)
public func entry() -> UnsafePointer<watchword_head>? { descriptor.pointer }
