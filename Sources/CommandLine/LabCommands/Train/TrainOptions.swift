import ArgumentParser
import Training
import TrainingRuns

/// The options of a training in epochs.
struct TrainOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Times that all pairs are seen.")
    var epochs = 5
    @Option(parsing: .unconditional, help: "Pairs of a step.")
    var batch = 128
    @Option(parsing: .unconditional, help: "Parts of a step, each with negatives of its own, for less memory.")
    var accumulate = 1
    @Option(name: .customLong("learning-rate"), parsing: .unconditional, help: "Of the head.")
    var learningRate = 1e-4
    @Option(
        name: .customLong("tower-factor"), parsing: .unconditional,
        help: "Times the learning rate, for the towers and the scale.")
    var towerFactor = 1e-3
    @Option(
        name: .customLong("warm-up"), parsing: .unconditional, help: "The share of all steps in which the rate rises.")
    var warmUp = 0.1
    @Option(parsing: .unconditional, help: "Weight decay.")
    var decay = 0.2
    @Option(parsing: .unconditional, help: "Dropout of the tight head's embeddings.")
    var dropout = 0.1
    @Option(
        name: .customLong("frozen-layers"), parsing: .unconditional,
        help: "Blocks of each tower that stay as they are; -1 for none, and their embeddings are learnt, too.")
    var frozenLayers = 0
    @Option(parsing: .unconditional, help: "Blocks of a new transformer or tight head.")
    var layers = 4
    @Option(parsing: .unconditional, help: "What determines initial numbers and the order of batches.")
    var seed: UInt64 = 42

    func validate() throws {
        if epochs < 1 { throw ValidationError("--epochs must be 1 or more") }
        if batch < 2 { throw ValidationError("--batch must be 2 or more") }
        if accumulate < 1 || batch % accumulate != 0 { throw ValidationError("--accumulate must divide --batch") }
        if !(learningRate > 0 && learningRate < 1) { throw ValidationError("--learning-rate must be in 0...1") }
        if !(towerFactor >= 0 && towerFactor.isFinite) { throw ValidationError("--tower-factor must be 0 or more") }
        if !(warmUp > 0 && warmUp < 1) { throw ValidationError("--warm-up must be above 0 and below 1") }
        if !(decay >= 0 && decay.isFinite) { throw ValidationError("--decay must be 0 or more") }
        if !(0..<1).contains(dropout) { throw ValidationError("--dropout must be 0 or more and below 1") }
        if !(1...64).contains(layers) { throw ValidationError("--layers must be 1 to 64") }
    }

    /// The training plan that the options describe.
    var plan: TrainingPlan {
        var plan = TrainingPlan()
        (plan.epochs, plan.batch, plan.accumulation, plan.seed) = (epochs, batch, accumulate, seed)
        (plan.rates.base, plan.rates.towerFactor) = (learningRate, towerFactor)
        (plan.rates.warmUp, plan.rates.decay) = (warmUp, decay)
        (plan.dropout, plan.frozenLayers) = (dropout, frozenLayers)
        return plan
    }
}

extension HeadKind: ExpressibleByArgument {}
extension LearntParts: ExpressibleByArgument {}
extension PatchKind: ExpressibleByArgument {}
