/// The plan of a training; with its seed it determines every step.
package struct TrainingPlan: Sendable, Equatable, Codable {
    package var epochs = 5
    /// The pairs of a step, over all its parts.
    package var batch = 128
    /// The number of parts of a step's batch, each with its own negatives.
    package var accumulation = 1
    package var seed: UInt64 = 42
    package var rates = BertAdam<Float>.Rates()
    /// The probability that a number of the tight head's embeddings is dropped.
    package var dropout = 0.1
    /// The number of frozen blocks, as CLIP4Clip's `freeze_layer_num`; -1 freezes nothing.
    package var frozenLayers = -1

    package init() {}

    /// The pairs of one part, over which a loss is computed.
    var part: Int { batch / accumulation }

    /// The number of whole parts of so many examples; the rest of an epoch is left out, as in CLIP4Clip.
    func parts(of examples: Int) -> Int { examples / max(part, 1) }

    /// The steps of an epoch.
    package func steps(of examples: Int) -> Int { parts(of: examples) / accumulation }

    /// The reason why the plan does not fit a number of examples, as a sentence; nil if it does.
    package func problem(examples: Int) -> String? {
        if epochs < 1 || batch < 2 || accumulation < 1 || part < 2 {
            return "a batch needs 2 pairs or more in every part, and at least one epoch"
        }
        if batch % accumulation != 0 { return "a batch of \(batch) cannot be cut into \(accumulation) parts" }
        if steps(of: examples) < 1 { return "\(examples) pairs do not fill one batch of \(batch)" }
        return nil
    }
}
