import Tensors

/// The activation `x · sigmoid(1.702 x)`.
enum QuickGELU {
    static func forward<Real: ProductScalar>(_ x: [Real]) -> [Real] { Real.quickGELU(x) }

    /// Returns the gradient of the input, given that of the output.
    static func backward<Real: ProductScalar>(_ dy: [Real], _ x: [Real]) -> [Real] { Real.quickGELUBack(dy, x) }
}

/// The activation between a block's two linear layers: QuickGELU, or GELU by the error function.
enum Curve {
    static func forward<Real: ProductScalar>(_ x: [Real], _ activation: Activation) -> [Real] {
        activation == .gelu ? Real.gelu(x) : Real.quickGELU(x)
    }

    /// Returns the gradient of the input, given that of the output.
    static func backward<Real: ProductScalar>(_ dy: [Real], _ x: [Real], _ activation: Activation) -> [Real] {
        activation == .gelu ? Real.geluBack(dy, x) : Real.quickGELUBack(dy, x)
    }
}

func sigmoid<Real: ProductScalar>(_ x: Real) -> Real { 1 / (1 + .exponential(-x)) }
