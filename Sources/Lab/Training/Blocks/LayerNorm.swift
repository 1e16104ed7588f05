import Tensors

// N = rows, W = width

/// Normalises each row to mean 0 and (biased) variance 1, then scales and shifts it.
struct LayerNorm: Sendable {
    private let width: Int
    private let weight: Int
    private let bias: Int
    private let epsilon: Double

    init(_ layout: inout ParameterLayout, _ name: String, width: Int, epsilon: Double) {
        (self.width, self.epsilon) = (width, epsilon)
        weight = layout.claim(name + ".weight", [width])
        bias = layout.claim(name + ".bias", [width])
    }

    /// The state for the backward pass: the normalised rows, and one over their deviations.
    struct Saved<Real: ProductScalar> {
        fileprivate let normalised: [Real]
        fileprivate let inverse: [Real]
    }

    /// Normalises x `[N, W]` to y `[N, W]`.
    func forward<Real: ProductScalar>(_ x: [Real], rows N: Int, _ p: [Real]) -> (y: [Real], saved: Saved<Real>) {
        precondition(x.count == N * width)
        let (y, normalised, inverse) = Real.layerNorm(
            x, p, weight: weight, bias: bias, width: width, epsilon: epsilon)
        return (y, Saved(normalised: normalised, inverse: inverse))
    }

    /// Adds the parameters' gradients to the gradient; returns the gradient of the input.
    func backward<Real: ProductScalar>(
        _ dy: [Real], _ saved: Saved<Real>, rows N: Int, _ p: [Real], _ g: inout [Real]
    ) -> [Real] {
        Real.layerNormBack(
            dy, normalised: saved.normalised, inverse: saved.inverse, p, &g, weight: weight, bias: bias, width: width)
    }
}
