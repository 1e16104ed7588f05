import Tensors

/// The activation function between the two linear layers of a transformer block: QuickGELU, or exact (erf) GELU.
enum ActivationFunction {
    static func forward<Real: ProductScalar>(_ x: [Real], _ activation: Activation) -> [Real] {
        activation == .gelu ? Real.gelu(x) : Real.quickGELU(x)
    }

    /// Returns the gradient of the input `x`, given the gradient `dy` of the output.
    static func backward<Real: ProductScalar>(_ dy: [Real], _ x: [Real], _ activation: Activation) -> [Real] {
        activation == .gelu ? Real.geluBack(dy, x) : Real.quickGELUBack(dy, x)
    }
}
