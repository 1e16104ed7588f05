/// The settings of a training in epochs; together with the data they determine every step.
package struct TrainingPlan: Sendable, Equatable, Codable {
    package var epochs = 5
    /// The number of (text, video) pairs in a training step.
    package var batch = 128
    /// The number of parts that a step's batch is split into to save memory (gradient accumulation).
    ///
    /// The loss compares a text only with the videos of its own part.
    package var accumulation = 1
    package var seed: UInt64 = 42
    package var rates = BertAdam<Float>.Rates()
    /// The dropout probability of the tight head's input embeddings.
    ///
    /// The tight head is a transformer over the tokens of one (text, video) pair.
    package var dropout = 0.1
    /// CLIP4Clip's `freeze_layer_num`: blocks below this number are frozen; -1 freezes nothing.
    package var frozenLayers = -1

    package init() {}

    /// The number of pairs in one part of a step's batch, over which the loss is computed.
    var part: Int { batch / accumulation }

    /// Returns the number of whole parts in `examples` pairs; the remainder of an epoch is left out, as in CLIP4Clip.
    func parts(of examples: Int) -> Int { examples / max(part, 1) }

    /// Returns the number of whole steps in an epoch over `examples` pairs.
    package func steps(of examples: Int) -> Int { parts(of: examples) / accumulation }

    /// Returns an error message if the plan does not fit the number of examples; nil if it does.
    package func problem(examples: Int) -> String? {
        if epochs < 1 || batch < 2 || accumulation < 1 || part < 2 {
            return "a batch needs 2 pairs or more in every part, and at least one epoch"
        }
        if batch % accumulation != 0 { return "a batch of \(batch) cannot be cut into \(accumulation) parts" }
        if steps(of: examples) < 1 { return "\(examples) pairs do not fill one batch of \(batch)" }
        return nil
    }
}
