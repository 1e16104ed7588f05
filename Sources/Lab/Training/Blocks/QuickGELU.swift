import Tensors

/// CLIP's activation function `x · sigmoid(1.702 x)`.
enum QuickGELU {
    static func forward<Real: ProductScalar>(_ x: [Real]) -> [Real] { Real.quickGELU(x) }

    /// Returns the gradient of the input `x`, given the gradient `dy` of the output.
    static func backward<Real: ProductScalar>(_ dy: [Real], _ x: [Real]) -> [Real] { Real.quickGELUBack(dy, x) }
}

func sigmoid<Real: ProductScalar>(_ x: Real) -> Real { 1 / (1 + .exponential(-x)) }
