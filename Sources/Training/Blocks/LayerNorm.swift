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

    /// What the backward pass needs: the normalised rows, and one over their deviations.
    struct Saved<Real: ProductScalar> {
        fileprivate var normalised: [Real]
        fileprivate var inverse: [Real]
    }

    /// x `[N, W]`, result `[N, W]`.
    func forward<Real: ProductScalar>(_ x: [Real], rows N: Int, _ p: [Real]) -> (y: [Real], saved: Saved<Real>) {
        let W = width
        var y = [Real](repeating: 0, count: N * W)
        var saved = Saved<Real>(normalised: y, inverse: [Real](repeating: 0, count: N))
        for row in 0..<N {
            let start = row * W
            var (mean, variance): (Real, Real) = (0, 0)
            for column in 0..<W { mean += x[start + column] }
            mean /= Real(W)
            for column in 0..<W {
                let difference = x[start + column] - mean
                variance += difference * difference
            }
            let inverse = 1 / (variance / Real(W) + Real(epsilon)).squareRoot()
            saved.inverse[row] = inverse
            for column in 0..<W {
                let normalised = (x[start + column] - mean) * inverse
                saved.normalised[start + column] = normalised
                y[start + column] = normalised * p[weight + column] + p[bias + column]
            }
        }
        return (y, saved)
    }

    /// Adds to the gradient; the result is that of the input.
    func backward<Real: ProductScalar>(
        _ dy: [Real], _ saved: Saved<Real>, rows N: Int, _ p: [Real], _ g: inout [Real]
    ) -> [Real] {
        let W = width
        var dx = [Real](repeating: 0, count: N * W)
        for row in 0..<N {
            let start = row * W
            var (sum, dot): (Real, Real) = (0, 0)
            for column in 0..<W {
                let (d, normalised) = (dy[start + column], saved.normalised[start + column])
                g[weight + column] += d * normalised
                g[bias + column] += d
                let scaled = d * p[weight + column]
                sum += scaled
                dot += scaled * normalised
            }
            (sum, dot) = (sum / Real(W), dot / Real(W))
            for column in 0..<W {
                let scaled = dy[start + column] * p[weight + column]
                dx[start + column] =
                    (scaled - sum - saved.normalised[start + column] * dot) * saved.inverse[row]
            }
        }
        return dx
    }
}
