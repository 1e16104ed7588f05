import Tensors

/// A training example for `ActionTask`: the actions of one object in one window (a short run of frames).
///
/// `window` is the window's index in the batch; `first` and `second` number the object's shape and colour. `actions`
/// has 1 if the object does an action, 0 if not, and 0.5 if undecided.
package struct ActionQuestion: Sendable {
    package var window: Int
    package var first: Int
    package var second: Int
    package var actions: [Float]

    package init(window: Int, first: Int, second: Int, actions: [Float]) {
        (self.window, self.first, self.second, self.actions) = (window, first, second, actions)
    }
}

/// An auxiliary training loss: predicts, from a head's vector for a window, the actions of objects in it.
///
/// It also predicts states of the whole scene, such as "the lights go out". Without this loss, heads did not learn
/// directions of movement.
struct ActionTask: Sendable {
    private let D: Int
    private let kinds: (first: Int, second: Int)
    private let actions: Int
    private let states: Int
    private let asked: AskedFeatures
    private let answer: Linear
    private let norm: LayerNorm
    private let whole: Linear

    init(
        _ layout: inout ParameterLayout, _ head: String, width D: Int, kinds: (first: Int, second: Int), actions: Int,
        states: Int
    ) {
        (self.D, self.kinds, self.actions, self.states) = (D, kinds, actions, states)
        let name = "side.\(head)"
        asked = AskedFeatures(&layout, name, inputs: D, question: kinds.first + kinds.second, outputs: 256)
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
        let (N, Q) = (questions.count, kinds.first + kinds.second)
        var asking = [Real](repeating: 0, count: N * Q)
        for (row, question) in questions.enumerated() {
            asking[row * Q + question.first] = 1
            asking[row * Q + kinds.first + question.second] = 1
        }
        let x = questions.flatMap { windows[$0.window * D..<($0.window + 1) * D] }
        let (features, made) = asked.forward(x, asking, rows: N, p)
        let (more, dAnswers) = Self.decided(
            answer.forward(features, rows: N, p), questions.flatMap(\.actions), ofTrue: 3, 4 * share)
        let dFeatures = answer.backward(dAnswers, features, rows: N, p, &g)
        let dx = asked.backward(dFeatures, made, rows: N, p, &g)
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
