package import Tensors

/// CLIP's transformer block: `x += attention(ln_1(x))`, then `x += c_proj(act(c_fc(ln_2(x))))`.
struct ResidualAttentionBlock: Sendable {
    private let shape: StackShape
    private let first: LayerNorm
    private let second: LayerNorm
    private let packing: Linear
    private let unpacking: Linear
    private let expansion: Linear
    private let contraction: Linear

    init(_ layout: inout ParameterLayout, _ name: String, _ shape: StackShape) {
        self.shape = shape
        let W = shape.width
        packing = Linear(
            &layout, weight: name + ".attn.in_proj_weight", bias: name + ".attn.in_proj_bias", inputs: W,
            outputs: 3 * W)
        unpacking = Linear(
            &layout, weight: name + ".attn.out_proj.weight", bias: name + ".attn.out_proj.bias", inputs: W,
            outputs: W)
        first = LayerNorm(&layout, name + ".ln_1", width: W, epsilon: shape.epsilon)
        expansion = Linear(
            &layout, weight: name + ".mlp.c_fc.weight", bias: name + ".mlp.c_fc.bias", inputs: W, outputs: shape.inner)
        contraction = Linear(
            &layout, weight: name + ".mlp.c_proj.weight", bias: name + ".mlp.c_proj.bias", inputs: shape.inner,
            outputs: W)
        second = LayerNorm(&layout, name + ".ln_2", width: W, epsilon: shape.epsilon)
    }

    struct Saved<Real: ProductScalar> {
        fileprivate let first: LayerNorm.Saved<Real>
        fileprivate let second: LayerNorm.Saved<Real>
        fileprivate let attended: [Real]
        fileprivate let packed: [Real]
        fileprivate let sizes: AttentionSizes
        fileprivate let probabilities: [Real]
        fileprivate let context: [Real]
        fileprivate let narrow: [Real]
        fileprivate let wide: [Real]
        fileprivate let activated: [Real]
    }

    /// Applies the block to `x`, `[B, T, W]`, in place; returns the values that `backward` needs.
    ///
    /// `x` has B sequences of T tokens, each of the width W; `p` holds all parameters of the model.
    func forward<Real: ProductScalar>(
        _ x: inout [Real], B: Int, T: Int, mask: AttentionMask, _ p: [Real]
    ) -> Saved<Real> {
        let N = B * T
        let (attended, first) = first.forward(x, rows: N, p)
        let packed = packing.forward(attended, rows: N, p)
        let sizes = mask.sizes(B: B, T: T, W: shape.width, H: shape.heads)
        let (context, probabilities) = Real.attend(packed, sizes)
        add(unpacking.forward(context, rows: N, p), to: &x)
        let (narrow, second) = second.forward(x, rows: N, p)
        let wide = expansion.forward(narrow, rows: N, p)
        let activated = ActivationFunction.forward(wide, shape.activation)
        add(contraction.forward(activated, rows: N, p), to: &x)
        return Saved(
            first: first, second: second, attended: attended, packed: packed, sizes: sizes,
            probabilities: probabilities, context: context, narrow: narrow, wide: wide, activated: activated)
    }

    /// Runs the block's backward pass: on entry `dx` is the output's gradient, on return the input's.
    ///
    /// The gradients of the block's parameters are added to `g`.
    func backward<Real: ProductScalar>(
        _ dx: inout [Real], _ saved: Saved<Real>, B: Int, T: Int, _ p: [Real], _ g: inout [Real]
    ) {
        let N = B * T
        let dActivated = contraction.backward(dx, saved.activated, rows: N, p, &g)
        let dWide = ActivationFunction.backward(dActivated, saved.wide, shape.activation)
        let dNarrow = expansion.backward(dWide, saved.narrow, rows: N, p, &g)
        add(second.backward(dNarrow, saved.second, rows: N, p, &g), to: &dx)
        let dContext = unpacking.backward(dx, saved.context, rows: N, p, &g)
        let dPacked = Real.attendBack(dContext, saved.packed, probabilities: saved.probabilities, saved.sizes)
        let dAttended = packing.backward(dPacked, saved.attended, rows: N, p, &g)
        add(first.backward(dAttended, saved.first, rows: N, p, &g), to: &dx)
    }
}

/// The sizes of a stack of transformer blocks.
package struct StackShape: Sendable, Equatable {
    package var width: Int
    package var heads: Int
    package var layers: Int
    package var epsilon: Double
    /// The width of the hidden layer in a block's MLP.
    package var inner: Int
    package var activation: Activation

    /// Makes the sizes; `inner`, the width of the MLPs' hidden layer, defaults to four times `width`.
    package init(
        width: Int, heads: Int, layers: Int, epsilon: Double, inner: Int? = nil, activation: Activation = .quickGELU
    ) {
        (self.width, self.heads, self.layers, self.epsilon) = (width, heads, layers, epsilon)
        self.inner = inner ?? 4 * width
        self.activation = activation
    }
}

/// A stack of transformer blocks, run one after the other.
struct TransformerStack: Sendable {
    private let blocks: [ResidualAttentionBlock]

    init(_ layout: inout ParameterLayout, _ prefix: String, _ shape: StackShape) {
        var blocks: [ResidualAttentionBlock] = []
        for index in 0..<shape.layers { blocks.append(ResidualAttentionBlock(&layout, "\(prefix).\(index)", shape)) }
        self.blocks = blocks
    }

    func forward<Real: ProductScalar>(
        _ x: inout [Real], B: Int, T: Int, mask: AttentionMask, _ p: [Real]
    ) -> [ResidualAttentionBlock.Saved<Real>] {
        blocks.map { $0.forward(&x, B: B, T: T, mask: mask, p) }
    }

    /// Runs the backward pass through the blocks from the last one down to number `lowest`.
    ///
    /// `dx` then holds the gradient of the input of block `lowest`; lower blocks get no gradients.
    func backward<Real: ProductScalar>(
        _ dx: inout [Real], _ saved: [ResidualAttentionBlock.Saved<Real>], B: Int, T: Int, downTo lowest: Int = 0,
        _ p: [Real], _ g: inout [Real]
    ) {
        for index in blocks.indices.reversed() where index >= lowest {
            blocks[index].backward(&dx, saved[index], B: B, T: T, p, &g)
        }
    }
}

func add<Real: ProductScalar>(_ x: [Real], to y: inout [Real]) { Real.add(x, to: &y) }
