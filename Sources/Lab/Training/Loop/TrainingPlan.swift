/// Plan of a training; with its seed it determines every step.
package struct TrainingPlan: Sendable, Equatable, Codable {
    package var epochs = 5
    /// Pairs of a step, over all its parts.
    package var batch = 128
    /// Number of parts of a step's batch, each with negatives of its own.
    package var accumulation = 1
    package var seed: UInt64 = 42
    package var rates = BertAdam<Float>.Rates()
    /// Probability of dropping a number of the tight head's embeddings.
    package var dropout = 0.1
    /// The reference's number of frozen blocks; -1 freezes nothing.
    package var frozenLayers = -1

    package init() {}

    /// Pairs that a loss is made of.
    var part: Int { batch / accumulation }

    /// Whole parts of so many examples; the rest of an epoch is left out, as in the reference.
    func parts(of examples: Int) -> Int { examples / max(part, 1) }

    /// Steps of an epoch.
    package func steps(of examples: Int) -> Int { parts(of: examples) / accumulation }

    /// Reason why the plan does not fit a number of examples, a sentence; nil if it does.
    package func problem(examples: Int) -> String? {
        if epochs < 1 || batch < 2 || accumulation < 1 || part < 2 {
            return "a batch needs 2 pairs or more in every part, and at least one epoch"
        }
        if batch % accumulation != 0 { return "a batch of \(batch) cannot be cut into \(accumulation) parts" }
        if steps(of: examples) < 1 { return "\(examples) pairs do not fill one batch of \(batch)" }
        return nil
    }
}
