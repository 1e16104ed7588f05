import Tensors

// V = videos, T = frames, D = width

/// CLIP4Clip's seqTransf head: a transformer over a video's frame embeddings, whose output is added to them.
///
/// Position embeddings are added to the transformer's input only. Source: docs/MATHEMATICS.md, section 7.
struct TransformerHead: Sendable {
    private let shape: StackShape
    private let positions: Int
    private let stack: TransformerStack

    init(_ layout: inout ParameterLayout, _ shape: StackShape, positions rows: Int) {
        self.shape = shape
        positions = layout.claim("frame_position_embeddings.weight", [rows, shape.width])
        stack = TransformerStack(&layout, "transformerClip.resblocks", shape)
    }

    func forward<Real: ProductScalar>(
        _ windows: Windows<Real>, _ p: [Real]
    ) -> (frames: [Real], saved: [ResidualAttentionBlock.Saved<Real>]) {
        let (V, T, D) = (windows.valid.count, windows.length, shape.width)
        var x = windows.frames
        for index in x.indices { x[index] += p[positions + index % (T * D)] }
        let saved = stack.forward(&x, B: V, T: T, mask: .keys(windows.valid), p)
        add(windows.frames, to: &x)
        return (x, saved)
    }

    /// Returns the gradient of the frame embeddings; adds the parameters' gradients to `g`.
    func backward<Real: ProductScalar>(
        _ dy: [Real], _ windows: Windows<Real>, _ saved: [ResidualAttentionBlock.Saved<Real>], _ p: [Real],
        _ g: inout [Real]
    ) -> [Real] {
        let (V, T, D) = (windows.valid.count, windows.length, shape.width)
        var dx = dy
        stack.backward(&dx, saved, B: V, T: T, p, &g)
        for index in dx.indices { g[positions + index % (T * D)] += dx[index] }
        add(dy, to: &dx)
        return dx
    }
}
