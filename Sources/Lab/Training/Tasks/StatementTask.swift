import Tensors

/// An auxiliary training loss: predicts, from a text's embedding, what the text states.
///
/// Each property that a text can state (such as a shape, a colour or an action) is one classification, called a slot.
struct StatementTask: Sendable {
    private let D: Int
    private let slots: [Int]
    private let norm: LayerNorm
    private let linears: [Linear]

    /// Makes the task; `slots` has the number of classes of each property that a text can state.
    init(_ layout: inout ParameterLayout, width D: Int, slots: [Int]) {
        (self.D, self.slots) = (D, slots)
        norm = LayerNorm(&layout, "side.said.ln", width: D, epsilon: 1e-5)
        var linears: [Linear] = []
        for (slot, answers) in slots.enumerated() {
            linears.append(
                Linear(
                    &layout, weight: "side.said.\(slot).weight", bias: "side.said.\(slot).bias", inputs: D,
                    outputs: answers))
        }
        self.linears = linears
    }

    /// Returns the loss times `share`, and its gradient with respect to the text embeddings `[N, D]`.
    ///
    /// `said` has each text's class in every slot (a property that a text can state); nil: the slot does not count.
    func evaluate<Real: ProductScalar>(
        _ texts: [Real], said: [[Int?]], share: Real, _ p: [Real], _ g: inout [Real]
    ) -> (loss: Double, gradient: [Real]) {
        let N = texts.count / D
        let (normalised, saved) = norm.forward(texts, rows: N, p)
        var dNormalised = [Real](repeating: 0, count: texts.count)
        var loss = 0.0
        for (slot, linear) in linears.enumerated() {
            let (value, gradient) = CrossEntropy.evaluate(
                linear.forward(normalised, rows: N, p), classes: said.map { $0[slot] }, of: slots[slot])
            loss += Double(share) * value
            add(linear.backward(gradient.map { $0 * share }, normalised, rows: N, p, &g), to: &dNormalised)
        }
        return (loss, norm.backward(dNormalised, saved, rows: N, p, &g))
    }
}
