import Tensors

// F = pictures, g = patches along a side, P = side of a patch, W = width

/// An auxiliary training loss: predicts, from an image patch's output token, what the patch shows.
///
/// It predicts which pixels of the patch belong to an object, and the object's shape and colour. The loss speeds up the
/// training of the image tower.
struct PatchTask: Sendable {
    private let patch: Int
    private let kinds: (shapes: Int, colours: Int)
    private let outline: Linear
    private let shape: Linear
    private let colour: Linear

    init(_ layout: inout ParameterLayout, width W: Int, patch P: Int, kinds: (shapes: Int, colours: Int)) {
        (patch, self.kinds) = (P, kinds)
        func linear(_ name: String, _ outputs: Int) -> Linear {
            Linear(
                &layout, weight: "side.patch.\(name).weight", bias: "side.patch.\(name).bias", inputs: W,
                outputs: outputs)
        }
        outline = linear("outline", P * P)
        // The parameters keep their names in checkpoints.
        shape = linear("first", kinds.shapes)
        colour = linear("second", kinds.colours)
    }

    /// Returns the loss, weighted by `share`, and its gradient with respect to the patches' tokens `[F * g * g, W]`.
    ///
    /// `grid` is g, the number of patches along a side. `labels`, `[F, g * P, g * P]`, has each pixel's object: 0 for
    /// background, else `1 + shape * C + colour`, with C colours.
    func evaluate<Real: ProductScalar>(
        _ tokens: [Real], labels: [UInt8], grid n: Int, share: Real, _ p: [Real], _ g: inout [Real]
    ) -> (loss: Double, dTokens: [Real]) {
        let P = patch
        let F = labels.count / (n * n * P * P)
        let N = F * n * n
        var targets = [Real](repeating: 0, count: N * P * P)
        // Each patch's shape and colour as one number, `shape * C + colour`; nil if no object covers enough of it.
        var pairs = [Int?](repeating: nil, count: N)
        var covered = [Bool](repeating: false, count: N)
        for row in 0..<N {
            let (picture, top, left) = (row / (n * n), row % (n * n) / n * P, row % n * P)
            var (most, count) = (0, 0)
            for y in 0..<P {
                for x in 0..<P {
                    let label = Int(labels[(picture * n * P + top + y) * n * P + left + x])
                    guard label > 0 else { continue }
                    targets[row * P * P + y * P + x] = 1
                    (most, count) = (max(most, label), count + 1)
                }
            }
            covered[row] = count > 0
            if Double(count) > 0.15 * Double(P * P) { pairs[row] = most - 1 }
        }
        // Patches on objects and beside them weigh ten times as much as the others.
        let near = (0..<N).map { row in Self.isNear(row, covered, n) }
        let nearShare = share / Real(max(near.count { $0 }, 1) * P * P)
        let allShare = 0.1 * share / Real(N * P * P)
        let weights = (0..<N * P * P).map { near[$0 / (P * P)] ? nearShare + allShare : allShare }
        var dTokens = [Real](repeating: 0, count: tokens.count)
        func learn(_ linear: Linear, _ factor: Real, _ evaluate: ([Real]) -> (loss: Double, gradient: [Real])) -> Double
        {
            let (loss, gradient) = evaluate(linear.forward(tokens, rows: N, p))
            add(linear.backward(gradient.map { $0 * factor }, tokens, rows: N, p, &g), to: &dTokens)
            return Double(factor) * loss
        }
        var loss = learn(outline, 2) { BinaryCrossEntropy.evaluate($0, targets: targets, weights: weights) }
        loss += learn(shape, share) {
            CrossEntropy.evaluate($0, classes: pairs.map { $0.map { $0 / kinds.colours } }, of: kinds.shapes)
        }
        loss += learn(colour, 0.5 * share) {
            CrossEntropy.evaluate($0, classes: pairs.map { $0.map { $0 % kinds.colours } }, of: kinds.colours)
        }
        return (loss, dTokens)
    }

    private static func isNear(_ row: Int, _ covered: [Bool], _ n: Int) -> Bool {
        let (picture, y, x) = (row / (n * n), row % (n * n) / n, row % n)
        for otherY in max(0, y - 1)...min(n - 1, y + 1) {
            for otherX in max(0, x - 1)...min(n - 1, x + 1) where covered[picture * n * n + otherY * n + otherX] {
                return true
            }
        }
        return false
    }
}
