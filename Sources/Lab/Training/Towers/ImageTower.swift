import Tensors

// F = frames, K = patches, P = side of a patch, R = side of a picture, W = width, D = joint width

/// The sizes of CLIP's image tower.
package struct ImageShape: Sendable, Equatable {
    package var stack: StackShape
    package var patch: Int
    package var side: Int
    package var embedding: Int
    /// True if a patch also covers the frames before and after its own, as CLIP4Clip's 3D patches do.
    package var spatiotemporal: Bool
    var tokens: Int { (side / patch) * (side / patch) + 1 }

    package init(stack: StackShape, patch: Int, side: Int, embedding: Int, spatiotemporal: Bool) {
        (self.stack, self.patch, self.side, self.embedding) = (stack, patch, side, embedding)
        self.spatiotemporal = spatiotemporal
    }
}

/// CLIP's vision transformer, which turns frames into embeddings.
struct ImageTower: Sendable {
    private let shape: ImageShape
    private let patches: Linear
    private let classToken: Int
    private let positions: Int
    private let before: LayerNorm
    private let stack: TransformerStack
    private let after: LayerNorm
    private let projection: Projection

    init(_ layout: inout ParameterLayout, _ shape: ImageShape) {
        self.shape = shape
        let W = shape.stack.width
        let name = "clip.visual"
        // A convolution whose stride is its kernel's size is a matrix product with each patch.
        let channels = shape.spatiotemporal ? 9 : 3
        patches = Linear(
            &layout, convolution: name + (shape.spatiotemporal ? ".conv2.weight" : ".conv1.weight"),
            shape: shape.spatiotemporal ? [W, 3, 3, shape.patch, shape.patch] : [W, 3, shape.patch, shape.patch],
            inputs: channels * shape.patch * shape.patch, outputs: W)
        classToken = layout.claim(name + ".class_embedding", [W])
        positions = layout.claim(name + ".positional_embedding", [shape.tokens, W])
        before = LayerNorm(&layout, name + ".ln_pre", width: W, epsilon: shape.stack.epsilon)
        stack = TransformerStack(&layout, name + ".transformer.resblocks", shape.stack)
        after = LayerNorm(&layout, name + ".ln_post", width: W, epsilon: shape.stack.epsilon)
        projection = Projection(&layout, name + ".proj", inputs: W, outputs: shape.embedding)
    }

    var isSpatiotemporal: Bool { shape.spatiotemporal }

    /// Returns the number of frames of each of `videos` videos, which have `count` pixel values in all.
    func window(of count: Int, videos: Int) -> Int { count / (videos * 3 * shape.side * shape.side) }

    struct Saved<Real: ProductScalar> {
        fileprivate let columns: [Real]
        fileprivate let before: LayerNorm.Saved<Real>
        fileprivate let blocks: [ResidualAttentionBlock.Saved<Real>]
        fileprivate let after: LayerNorm.Saved<Real>
        fileprivate let normalised: [Real]
        /// The output tokens of the last transformer block, `[F, tokens, W]`, the class token first.
        let hidden: [Real]
    }

    /// Computes embeddings `[F, D]` of frames `[F, 3, R, R]`, which are videos of `window` frames each.
    func forward<Real: ProductScalar>(
        _ frames: [Real], window: Int, _ p: [Real]
    ) -> (embeddings: [Real], saved: Saved<Real>) {
        let (W, tokens) = (shape.stack.width, shape.tokens)
        let F = frames.count / (3 * shape.side * shape.side)
        let columns = unfold(frames, window: window)
        let embedded = patches.forward(columns, rows: F * (tokens - 1), p)
        var x = [Real](repeating: 0, count: F * tokens * W)
        for frame in 0..<F {
            for token in 0..<tokens {
                let to = (frame * tokens + token) * W
                let from = (frame * (tokens - 1) + token - 1) * W
                for column in 0..<W {
                    let value = token == 0 ? p[classToken + column] : embedded[from + column]
                    x[to + column] = value + p[positions + token * W + column]
                }
            }
        }
        let (normal, before) = before.forward(x, rows: F * tokens, p)
        x = normal
        let blocks = stack.forward(&x, B: F, T: tokens, mask: .none, p)
        let first = (0..<F).flatMap { x[$0 * tokens * W..<$0 * tokens * W + W] }
        let (normalised, after) = after.forward(first, rows: F, p)
        let saved = Saved(
            columns: columns, before: before, blocks: blocks, after: after, normalised: normalised, hidden: x)
        return (projection.forward(normalised, rows: F, p), saved)
    }

    /// Adds the gradients of the tower's parameters, from block `lowest` upwards, to `g`; of all parameters if `lowest`
    /// is nil.
    ///
    /// `dy` is the gradient of the embeddings; `dHidden` is an additional gradient of the last block's output tokens.
    func backward<Real: ProductScalar>(
        _ dy: [Real], _ saved: Saved<Real>, dHidden: [Real]? = nil, downTo lowest: Int?, _ p: [Real],
        _ g: inout [Real]
    ) {
        let (W, tokens) = (shape.stack.width, shape.tokens)
        let F = dy.count / shape.embedding
        let dNormalised = projection.backward(dy, saved.normalised, rows: F, p, &g)
        let dFirst = after.backward(dNormalised, saved.after, rows: F, p, &g)
        var dx = dHidden ?? [Real](repeating: 0, count: F * tokens * W)
        for frame in 0..<F {
            for column in 0..<W { dx[frame * tokens * W + column] += dFirst[frame * W + column] }
        }
        stack.backward(&dx, saved.blocks, B: F, T: tokens, downTo: lowest ?? 0, p, &g)
        guard lowest == nil else { return }
        dx = before.backward(dx, saved.before, rows: F * tokens, p, &g)
        var dEmbedded: [Real] = []
        dEmbedded.reserveCapacity(F * (tokens - 1) * W)
        for frame in 0..<F {
            let start = frame * tokens * W
            for index in 0..<tokens * W { g[positions + index] += dx[start + index] }
            for column in 0..<W { g[classToken + column] += dx[start + column] }
            dEmbedded += dx[start + W..<start + tokens * W]
        }
        _ = patches.backward(dEmbedded, saved.columns, rows: F * (tokens - 1), p, &g)
    }

    /// Copies each image patch to one row, in the order of the convolution kernel's weights.
    ///
    /// Patches that span frames get zeros for frames before the start and after the end of a video.
    private func unfold<Real: ProductScalar>(_ frames: [Real], window: Int) -> [Real] {
        let (P, R) = (shape.patch, shape.side)
        let grid = R / P
        let size = 3 * R * R
        let F = frames.count / size
        var columns: [Real] = []
        columns.reserveCapacity(F * grid * grid * (shape.spatiotemporal ? 9 : 3) * P * P)
        let times = shape.spatiotemporal ? [-1, 0, 1] : [0]
        for patch in 0..<F * grid * grid {
            let (frame, row, column) = (patch / (grid * grid), patch / grid % grid, patch % grid)
            for channel in 0..<3 {
                for time in times {
                    let isInWindow = (0..<window).contains(frame % window + time)
                    let first = (frame + time) * size + channel * R * R + row * P * R + column * P
                    for y in 0..<P {
                        if isInWindow {
                            columns += frames[first + y * R..<first + y * R + P]
                        } else {
                            columns += repeatElement(0, count: P)
                        }
                    }
                }
            }
        }
        return columns
    }
}
