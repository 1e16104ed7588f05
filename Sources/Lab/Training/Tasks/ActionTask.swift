import Tensors

/// A training example for `ActionTask`: the actions of one object in one window (a short run of frames).
///
/// `window` is the window's index in the batch; `shape` and `colour` number the object's shape and colour. `actions`
/// has 1 if the object does an action, 0 if not, and 0.5 if undecided.
package struct ActionQuestion: Sendable {
    package var window: Int
    package var shape: Int
    package var colour: Int
    package var actions: [Float]

    package init(window: Int, shape: Int, colour: Int, actions: [Float]) {
        (self.window, self.shape, self.colour, self.actions) = (window, shape, colour, actions)
    }
}

/// An auxiliary training loss: predicts, from a head's vector for a window, the actions of objects in it.
///
/// It also predicts states of the whole scene, such as "the lights go out". Without this loss, heads did not learn
/// directions of movement.
struct ActionTask: Sendable {
    private let D: Int
    private let kinds: (shapes: Int, colours: Int)
    private let actions: Int
    private let states: Int
    private let questionFeatures: QuestionFeatures
    private let answer: Linear
    private let norm: LayerNorm
    private let whole: Linear

    init(
        _ layout: inout ParameterLayout, _ head: String, width D: Int, kinds: (shapes: Int, colours: Int), actions: Int,
        states: Int
    ) {
        (self.D, self.kinds, self.actions, self.states) = (D, kinds, actions, states)
        let name = "side.\(head)"
        questionFeatures = QuestionFeatures(
            &layout, name, inputs: D, question: kinds.shapes + kinds.colours, outputs: 256)
        answer = Linear(
            &layout, weight: name + ".answer.weight", bias: name + ".answer.bias", inputs: 256, outputs: actions)
        norm = LayerNorm(&layout, name + ".ln_whole", width: D, epsilon: 1e-5)
        whole = Linear(
            &layout, weight: name + ".whole.weight", bias: name + ".whole.bias", inputs: D, outputs: states)
    }

    /// Returns the loss times `share`, and its gradient with respect to the windows' vectors `[V, D]`.
    ///
    /// `whole` has, for each window, which states of the scene are true, `[V, states]`.
    func evaluate<Real: ProductScalar>(
        _ windows: [Real], _ questions: [ActionQuestion], whole truth: [Float], share: Real, _ p: [Real],
        _ g: inout [Real]
    ) -> (loss: Double, gradient: [Real]) {
        let V = windows.count / D
        let (normalised, saved) = norm.forward(windows, rows: V, p)
        let (loss, dStates) = Self.decided(whole.forward(normalised, rows: V, p), truth, ofTrue: 5, share)
        var gradient = norm.backward(
            whole.backward(dStates, normalised, rows: V, p, &g), saved, rows: V, p, &g)
        guard !questions.isEmpty else { return (loss, gradient) }
        let (N, Q) = (questions.count, kinds.shapes + kinds.colours)
        var asking = [Real](repeating: 0, count: N * Q)
        for (row, question) in questions.enumerated() {
            asking[row * Q + question.shape] = 1
            asking[row * Q + kinds.shapes + question.colour] = 1
        }
        let x = questions.flatMap { windows[$0.window * D..<($0.window + 1) * D] }
        let (features, made) = questionFeatures.forward(x, asking, rows: N, p)
        let (more, dAnswers) = Self.decided(
            answer.forward(features, rows: N, p), questions.flatMap(\.actions), ofTrue: 3, 4 * share)
        let dFeatures = answer.backward(dAnswers, features, rows: N, p, &g)
        let dx = questionFeatures.backward(dFeatures, made, rows: N, p, &g)
        for (row, question) in questions.enumerated() {
            for column in 0..<D { gradient[question.window * D + column] += dx[row * D + column] }
        }
        return (loss + more, gradient)
    }

    /// Returns the cross entropy, times `share`, over the answers whose truth is not 0.5 (undecided).
    ///
    /// Answers that are true weigh `ofTrue` times as much as false ones.
    private static func decided<Real: ProductScalar>(
        _ logits: [Real], _ truth: [Float], ofTrue: Real, _ share: Real
    ) -> (loss: Double, gradient: [Real]) {
        let raw: [Real] = truth.map { $0 == 0.5 ? 0 : $0 == 1 ? ofTrue : 1 }
        let sum = max(raw.reduce(0, +), 1e-6)
        return BinaryCrossEntropy.evaluate(
            logits, targets: truth.map { $0 == 1 ? 1 : 0 }, weights: raw.map { $0 * share / sum })
    }
}
