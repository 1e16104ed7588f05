import Tensors

/// A training example for `LooksTask`: one object that is visible in one picture.
///
/// `picture` is the picture's index in the batch; `first` and `second` number the object's shape and colour.
package struct Sight: Sendable {
    package var picture: Int
    package var first: Int
    package var second: Int
    /// The object's centre and radius, as shares of the picture's side.
    package var x, y, radius: Double
    /// The cosine and sine of the object's rotation times its shape's symmetry order; nil if no rotation is visible.
    package var turn: (cosine: Double, sine: Double)?

    package init(
        picture: Int, first: Int, second: Int, x: Double, y: Double, radius: Double,
        turn: (cosine: Double, sine: Double)?
    ) {
        (self.picture, self.first, self.second) = (picture, first, second)
        (self.x, self.y, self.radius, self.turn) = (x, y, radius, turn)
    }
}

/// Auxiliary training losses: predict the shape, colour and position of objects from a picture's embedding.
struct LooksTask: Sendable {
    private let D: Int
    private let kinds: (first: Int, second: Int)
    private let norm: LayerNorm
    private let present: Linear
    private let asked: AskedFeatures
    private let middle: Linear
    private let place: Linear

    init(_ layout: inout ParameterLayout, width D: Int, kinds: (first: Int, second: Int)) {
        (self.D, self.kinds) = (D, kinds)
        let name = "side.looks"
        norm = LayerNorm(&layout, name + ".ln", width: D, epsilon: 1e-5)
        present = Linear(
            &layout, weight: name + ".present.weight", bias: name + ".present.bias", inputs: D,
            outputs: kinds.first * kinds.second + kinds.first + kinds.second)
        asked = AskedFeatures(&layout, name, inputs: D, question: kinds.first + kinds.second, outputs: 256)
        middle = Linear(
            &layout, weight: name + ".middle.weight", bias: name + ".middle.bias", inputs: 256, outputs: 128)
        place = Linear(&layout, weight: name + ".place.weight", bias: name + ".place.bias", inputs: 128, outputs: 5)
    }

    /// Returns the losses, and their gradient with respect to the picture embeddings `[F, D]`.
    ///
    /// `present` is the loss of which shapes and colours are visible, `place` that of the objects' positions.
    func evaluate<Real: ProductScalar>(
        _ embeddings: [Real], _ sights: [Sight], _ p: [Real], _ g: inout [Real]
    ) -> (present: Double, place: Double, gradient: [Real]) {
        let F = embeddings.count / D
        let (normalised, saved) = norm.forward(embeddings, rows: F, p)
        let logits = present.forward(normalised, rows: F, p)
        let (A, B) = (kinds.first, kinds.second)
        let K = A * B + A + B
        // Pairs of shape and colour come first, then shapes alone, then colours alone. Visible ones, which are rare,
        // weigh more.
        func share(_ column: Int) -> (mean: Real, ofTrue: Real) {
            if column < A * B { return (4 / Real(F * A * B), 4) }
            return (1 / Real(F * (column < A * B + A ? A : B)), 2)
        }
        var targets = [Real](repeating: 0, count: F * K)
        for sight in sights {
            for column in [sight.first * B + sight.second, A * B + sight.first, A * B + A + sight.second] {
                targets[sight.picture * K + column] = 1
            }
        }
        let weights = targets.indices.map { index in
            let share = share(index % K)
            return share.mean * (targets[index] == 1 ? share.ofTrue : 1)
        }
        let (loss, dLogits) = BinaryCrossEntropy.evaluate(logits, targets: targets, weights: weights)
        let dNormalised = present.backward(dLogits, normalised, rows: F, p, &g)
        var gradient = norm.backward(dNormalised, saved, rows: F, p, &g)
        guard !sights.isEmpty else { return (loss, 0, gradient) }
        let placed = evaluatePlaces(embeddings, sights, p, &g)
        for (row, sight) in sights.enumerated() {
            for column in 0..<D { gradient[sight.picture * D + column] += placed.gradient[row * D + column] }
        }
        return (loss, placed.loss, gradient)
    }

    /// Returns the loss of the position, size and rotation of the objects in `sights`, and its gradient.
    private func evaluatePlaces<Real: ProductScalar>(
        _ embeddings: [Real], _ sights: [Sight], _ p: [Real], _ g: inout [Real]
    ) -> (loss: Double, gradient: [Real]) {
        let (N, Q) = (sights.count, kinds.first + kinds.second)
        var questions = [Real](repeating: 0, count: N * Q)
        for (row, sight) in sights.enumerated() {
            questions[row * Q + sight.first] = 1
            questions[row * Q + kinds.first + sight.second] = 1
        }
        let x = sights.flatMap { embeddings[$0.picture * D..<($0.picture + 1) * D] }
        let (features, saved) = asked.forward(x, questions, rows: N, p)
        let wide = middle.forward(features, rows: N, p)
        let bent = QuickGELU.forward(wide)
        let told = place.forward(bent, rows: N, p)
        var dTold = [Real](repeating: 0, count: N * 5)
        func smooth(
            _ columns: Range<Int>, _ scale: Real, _ shift: Real, _ beta: Real, _ factor: Real,
            _ target: (Sight, Int) -> Double
        ) -> Double {
            let values = (0..<N).flatMap { row in columns.map { told[row * 5 + $0] * scale + shift } }
            let wanted = sights.flatMap { sight in columns.map { Real(target(sight, $0)) } }
            let (loss, gradient) = SmoothLoss.evaluate(values, targets: wanted, beta: beta)
            for row in 0..<N {
                for (place, column) in columns.enumerated() {
                    dTold[row * 5 + column] = gradient[row * columns.count + place] * scale * factor
                }
            }
            return loss * Double(factor)
        }
        var loss = smooth(0..<2, 0.3, 0.5, 0.03, 15) { $1 == 0 ? $0.x : $0.y }
        loss += smooth(2..<3, 0.1, 0.15, 0.02, 12) { sight, _ in sight.radius }
        let turned = sights.indices.filter { sights[$0].turn != nil }
        let share = 0.3 / Real(max(turned.count, 1))
        for row in turned {
            guard let turn = sights[row].turn else { continue }
            for (column, wanted) in [(3, turn.cosine), (4, turn.sine)] {
                let off = told[row * 5 + column] - Real(wanted)
                loss += Double(share * off * off)
                dTold[row * 5 + column] = 2 * share * off
            }
        }
        let dBent = place.backward(dTold, bent, rows: N, p, &g)
        let dFeatures = middle.backward(QuickGELU.backward(dBent, wide), features, rows: N, p, &g)
        return (loss, asked.backward(dFeatures, saved, rows: N, p, &g))
    }
}
