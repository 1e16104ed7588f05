import Tensors

// B = sequences, T = tokens, W = width, H = heads

/// Which tokens a token may look at.
package enum AttentionMask: Sendable {
    case none
    /// Itself and those before it.
    case causal
    /// The first so many of each sequence; to the scores of all others -1e6 is added, as the reference does.
    case keys([Int])
}

/// Softmax attention of several heads on packed queries, keys and values `[B, T, 3W]`.
enum Attention {
    /// Context `[B, T, W]`, and the probabilities `[B, H, T, T]` that the backward pass needs.
    static func forward<Real: ProductScalar>(
        _ packed: [Real], B: Int, T: Int, W: Int, H: Int, mask: AttentionMask
    ) -> (context: [Real], probabilities: [Real]) {
        let d = W / H
        let scale = 1 / Real(d).squareRoot()
        var context = [Real](repeating: 0, count: B * T * W)
        var probabilities = [Real](repeating: 0, count: B * H * T * T)
        for b in 0..<B {
            for h in 0..<H {
                let (q, at) = (b * T * 3 * W + h * d, (b * H + h) * T * T)
                GeneralProduct.multiply(
                    packed, MatrixPlace(q, stride: 3 * W), packed,
                    MatrixPlace(q + W, stride: 3 * W, transposed: true), into: &probabilities,
                    MatrixPlace(at, stride: T), m: T, n: T, k: d, alpha: scale)
                for t in 0..<T { softmax(&probabilities, at: at + t * T, T, token: t, sequence: b, mask) }
                GeneralProduct.multiply(
                    probabilities, MatrixPlace(at, stride: T), packed, MatrixPlace(q + 2 * W, stride: 3 * W),
                    into: &context, MatrixPlace(b * T * W + h * d, stride: W), m: T, n: d, k: T)
            }
        }
        return (context, probabilities)
    }

    private static func softmax<Real: ProductScalar>(
        _ row: inout [Real], at start: Int, _ T: Int, token: Int, sequence: Int, _ mask: AttentionMask
    ) {
        var seen = T
        switch mask {
        case .none: break
        case .causal: seen = token + 1
        case .keys(let valid): for t in valid[sequence]..<max(T, valid[sequence]) { row[start + t] -= 1e6 }
        }
        var largest = -Real.infinity
        for t in 0..<seen { largest = max(largest, row[start + t]) }
        var sum: Real = 0
        for t in 0..<seen {
            row[start + t] = .exponential(row[start + t] - largest)
            sum += row[start + t]
        }
        for t in 0..<seen { row[start + t] /= sum }
        for t in seen..<T { row[start + t] = 0 }
    }

    /// The gradient of the packed queries, keys and values, given that of the context.
    static func backward<Real: ProductScalar>(
        _ dContext: [Real], _ packed: [Real], _ probabilities: [Real], B: Int, T: Int, W: Int, H: Int
    ) -> [Real] {
        let d = W / H
        let scale = 1 / Real(d).squareRoot()
        var dPacked = [Real](repeating: 0, count: packed.count)
        var dScores = [Real](repeating: 0, count: T * T)
        for b in 0..<B {
            for h in 0..<H {
                let (q, at) = (b * T * 3 * W + h * d, (b * H + h) * T * T)
                let context = MatrixPlace(b * T * W + h * d, stride: W)
                GeneralProduct.multiply(
                    probabilities, MatrixPlace(at, stride: T, transposed: true), dContext, context, into: &dPacked,
                    MatrixPlace(q + 2 * W, stride: 3 * W), m: T, n: d, k: T)
                GeneralProduct.multiply(
                    dContext, context, packed, MatrixPlace(q + 2 * W, stride: 3 * W, transposed: true),
                    into: &dScores, MatrixPlace(stride: T), m: T, n: T, k: d)
                for t in 0..<T {
                    var dot: Real = 0
                    for s in 0..<T { dot += dScores[t * T + s] * probabilities[at + t * T + s] }
                    for s in 0..<T {
                        dScores[t * T + s] = (dScores[t * T + s] - dot) * probabilities[at + t * T + s]
                    }
                }
                GeneralProduct.multiply(
                    dScores, MatrixPlace(stride: T), packed, MatrixPlace(q + W, stride: 3 * W), into: &dPacked,
                    MatrixPlace(q, stride: 3 * W), m: T, n: d, k: T, alpha: scale)
                GeneralProduct.multiply(
                    dScores, MatrixPlace(stride: T, transposed: true), packed, MatrixPlace(q, stride: 3 * W),
                    into: &dPacked, MatrixPlace(q + W, stride: 3 * W), m: T, n: d, k: T, alpha: scale)
            }
        }
        return dPacked
    }
}
