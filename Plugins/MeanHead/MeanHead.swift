import Checkpoints
import HeadKit
public import WatchwordHeadABI

/// CLIP4Clip's meanP: frame embeddings are normalised, averaged, and normalised again.
///
/// The head has no weights, and the order of the frames does not matter. Source: docs/MATHEMATICS.md, sections 6 and 7.
final class MeanHead: PoolingHead {
    let width: Int
    let maxFrames: Int
    /// No limit on the windows of a call: this head has no scratch memory that grows with them.
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

/// The one function that the plugin exports.
@c(watchword_head_entry)
public func entry() -> UnsafePointer<watchword_head>? { descriptor.pointer }
