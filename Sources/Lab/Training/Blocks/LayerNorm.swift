import Tensors

// N = rows, W = width

/// A layer that normalises each row to mean 0 and (biased) variance 1, then scales and shifts it.
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

    /// Values of the forward pass that `backward` needs: the normalised rows, and 1 / standard deviation of each row.
    struct Saved<Real: ProductScalar> {
        fileprivate let normalised: [Real]
        fileprivate let inverse: [Real]
    }

    /// Normalises the rows of `x`, `[N, W]`; returns the result and the values that `backward` needs.
    func forward<Real: ProductScalar>(_ x: [Real], rows N: Int, _ p: [Real]) -> (y: [Real], saved: Saved<Real>) {
        precondition(x.count == N * width)
        let (y, normalised, inverse) = Real.layerNorm(
            x, p, weight: weight, bias: bias, width: width, epsilon: epsilon)
        return (y, Saved(normalised: normalised, inverse: inverse))
    }

    /// Adds the gradients of weight and bias to `g`; returns the gradient of the input.
    func backward<Real: ProductScalar>(
        _ dy: [Real], _ saved: Saved<Real>, rows N: Int, _ p: [Real], _ g: inout [Real]
    ) -> [Real] {
        Real.layerNormBack(
            dy, normalised: saved.normalised, inverse: saved.inverse, p, &g, weight: weight, bias: bias, width: width)
    }
}
