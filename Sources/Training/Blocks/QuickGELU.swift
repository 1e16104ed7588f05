import Tensors

/// `x · sigmoid(1.702 x)`.
enum QuickGELU {
    static func forward<Real: ProductScalar>(_ x: [Real]) -> [Real] { x.map { $0 * sigmoid(1.702 * $0) } }

    /// The gradient of the input, given that of the output.
    static func backward<Real: ProductScalar>(_ dy: [Real], _ x: [Real]) -> [Real] {
        var dx = dy
        for index in dx.indices {
            let gate: Real = sigmoid(1.702 * x[index])
            dx[index] *= gate + 1.702 * x[index] * gate * (1 - gate)
        }
        return dx
    }
}

func sigmoid<Real: ProductScalar>(_ x: Real) -> Real { 1 / (1 + .exponential(-x)) }
