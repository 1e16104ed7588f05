import Checkpoints
import HeadKit
public import WatchwordHeadABI

/// CLIP4Clip's meanP: each frame embedding made unit, averaged, made unit again. No weights.
///
/// Source: CLIP4CLIP sections 6 and 7. It cannot know the order of the frames.
final class MeanHead: PoolingHead {
    let width: Int

    init(width: Int, maxFrames: Int, weights: any TensorSource) { self.width = width }

    func pool(_ windows: Windows, into out: UnsafeMutableBufferPointer<Float>) {
        for b in 0..<windows.count {
            let clip = UnsafeMutableBufferPointer(rebasing: out[(b * width)..<((b + 1) * width)])
            clip.update(repeating: 0)
            for t in 0..<windows.valid[b] {
                let frame = windows.frame(b, t)
                let scale = 1 / (length(frame) * Float(windows.valid[b]))
                for i in 0..<width { clip[i] += frame[i] * scale }
            }
            let norm = length(UnsafeBufferPointer(clip))
            for i in 0..<width { clip[i] /= norm }
        }
    }

    private func length(_ vector: UnsafeBufferPointer<Float>) -> Float {
        vector.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
    }
}

private let descriptor = HeadDescriptor(
    name: "mean", version: "1.0.0", description: "mean of unit frame embeddings (CLIP4Clip meanP); blind to order",
    create: { width, frames, tensors, count, _, instance, why, size in
        HeadCalls.create(MeanHead.self, width, frames, tensors, count, instance, why, size)
    },
    destroy: { HeadCalls.destroy(MeanHead.self, $0) },
    pool: { instance, frames, mask, B, T, out, why, size in
        HeadCalls.pool(MeanHead.self, instance, width: \.width, frames, mask, B, T, out, why, size)
    })

/// The plugin's one exported function.
@c(watchword_head_entry)
public func entry() -> UnsafePointer<watchword_head>? { descriptor.pointer }
