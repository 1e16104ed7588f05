import Tensors

/// A training example for `AppearanceTask`: one object that is visible in one picture.
///
/// `picture` is the picture's index in the batch; `shape` and `colour` number the object's shape and colour.
package struct VisibleObject: Sendable {
    package var picture: Int
    package var shape: Int
    package var colour: Int
    /// The object's centre and radius, as shares of the picture's side.
    package var x, y, radius: Double
    /// The cosine and sine of the object's rotation times its shape's symmetry order; nil if no rotation is visible.
    package var turn: (cosine: Double, sine: Double)?

    package init(
        picture: Int, shape: Int, colour: Int, x: Double, y: Double, radius: Double,
        turn: (cosine: Double, sine: Double)?
    ) {
        (self.picture, self.shape, self.colour) = (picture, shape, colour)
        (self.x, self.y, self.radius, self.turn) = (x, y, radius, turn)
    }
}

/// Auxiliary training losses: predict the shape, colour and position of objects from a picture's embedding.
struct AppearanceTask: Sendable {
    private let D: Int
    private let kinds: (shapes: Int, colours: Int)
    private let norm: LayerNorm
    private let present: Linear
    private let questionFeatures: QuestionFeatures
    private let middle: Linear
    private let place: Linear

    init(_ layout: inout ParameterLayout, width D: Int, kinds: (shapes: Int, colours: Int)) {
        (self.D, self.kinds) = (D, kinds)
        let name = "side.looks"
        norm = LayerNorm(&layout, name + ".ln", width: D, epsilon: 1e-5)
        present = Linear(
            &layout, weight: name + ".present.weight", bias: name + ".present.bias", inputs: D,
            outputs: kinds.shapes * kinds.colours + kinds.shapes + kinds.colours)
        questionFeatures = QuestionFeatures(
            &layout, name, inputs: D, question: kinds.shapes + kinds.colours, outputs: 256)
        middle = Linear(
            &layout, weight: name + ".middle.weight", bias: name + ".middle.bias", inputs: 256, outputs: 128)
        place = Linear(&layout, weight: name + ".place.weight", bias: name + ".place.bias", inputs: 128, outputs: 5)
    }

    /// Returns the losses, and their gradient with respect to the picture embeddings `[F, D]`.
    ///
    /// `present` is the loss of which shapes and colours are visible, `place` that of the objects' positions.
    func evaluate<Real: ProductScalar>(
        _ embeddings: [Real], _ objects: [VisibleObject], _ p: [Real], _ g: inout [Real]
    ) -> (present: Double, place: Double, gradient: [Real]) {
        let F = embeddings.count / D
        let (normalised, saved) = norm.forward(embeddings, rows: F, p)
        let logits = present.forward(normalised, rows: F, p)
        let (A, B) = (kinds.shapes, kinds.colours)
        let K = A * B + A + B
        // Pairs of shape and colour come first, then shapes alone, then colours alone. Visible ones, which are rare,
        // weigh more.
        func share(_ column: Int) -> (mean: Real, ofTrue: Real) {
            if column < A * B { return (4 / Real(F * A * B), 4) }
            return (1 / Real(F * (column < A * B + A ? A : B)), 2)
        }
        var targets = [Real](repeating: 0, count: F * K)
        for object in objects {
            for column in [object.shape * B + object.colour, A * B + object.shape, A * B + A + object.colour] {
                targets[object.picture * K + column] = 1
            }
        }
        let weights = targets.indices.map { index in
            let share = share(index % K)
            return share.mean * (targets[index] == 1 ? share.ofTrue : 1)
        }
        let (loss, dLogits) = BinaryCrossEntropy.evaluate(logits, targets: targets, weights: weights)
        let dNormalised = present.backward(dLogits, normalised, rows: F, p, &g)
        var gradient = norm.backward(dNormalised, saved, rows: F, p, &g)
        guard !objects.isEmpty else { return (loss, 0, gradient) }
        let placed = evaluatePlaces(embeddings, objects, p, &g)
        for (row, object) in objects.enumerated() {
            for column in 0..<D { gradient[object.picture * D + column] += placed.gradient[row * D + column] }
        }
        return (loss, placed.loss, gradient)
    }

    /// Returns the loss of the position, size and rotation of the objects in `objects`, and its gradient.
    private func evaluatePlaces<Real: ProductScalar>(
        _ embeddings: [Real], _ objects: [VisibleObject], _ p: [Real], _ g: inout [Real]
    ) -> (loss: Double, gradient: [Real]) {
        let (N, Q) = (objects.count, kinds.shapes + kinds.colours)
        var questions = [Real](repeating: 0, count: N * Q)
        for (row, object) in objects.enumerated() {
            questions[row * Q + object.shape] = 1
            questions[row * Q + kinds.shapes + object.colour] = 1
        }
        let x = objects.flatMap { embeddings[$0.picture * D..<($0.picture + 1) * D] }
        let (features, saved) = questionFeatures.forward(x, questions, rows: N, p)
        let wide = middle.forward(features, rows: N, p)
        let activated = QuickGELU.forward(wide)
        let predicted = place.forward(activated, rows: N, p)
        var dPredicted = [Real](repeating: 0, count: N * 5)
        func smooth(
            _ columns: Range<Int>, _ scale: Real, _ shift: Real, _ beta: Real, _ factor: Real,
            _ target: (VisibleObject, Int) -> Double
        ) -> Double {
            let values = (0..<N).flatMap { row in columns.map { predicted[row * 5 + $0] * scale + shift } }
            let wanted = objects.flatMap { object in columns.map { Real(target(object, $0)) } }
            let (loss, gradient) = SmoothLoss.evaluate(values, targets: wanted, beta: beta)
            for row in 0..<N {
                for (place, column) in columns.enumerated() {
                    dPredicted[row * 5 + column] = gradient[row * columns.count + place] * scale * factor
                }
            }
            return loss * Double(factor)
        }
        var loss = smooth(0..<2, 0.3, 0.5, 0.03, 15) { $1 == 0 ? $0.x : $0.y }
        loss += smooth(2..<3, 0.1, 0.15, 0.02, 12) { object, _ in object.radius }
        let turned = objects.indices.filter { objects[$0].turn != nil }
        let share = 0.3 / Real(max(turned.count, 1))
        for row in turned {
            guard let turn = objects[row].turn else { continue }
            for (column, wanted) in [(3, turn.cosine), (4, turn.sine)] {
                let off = predicted[row * 5 + column] - Real(wanted)
                loss += Double(share * off * off)
                dPredicted[row * 5 + column] = 2 * share * off
            }
        }
        let dActivated = place.backward(dPredicted, activated, rows: N, p, &g)
        let dFeatures = middle.backward(QuickGELU.backward(dActivated, wide), features, rows: N, p, &g)
        return (loss, questionFeatures.backward(dFeatures, saved, rows: N, p, &g))
    }
}
