import SystemSupport
import Tensors

/// Trains on a data set in epochs: batches in an order determined by the seed, gradients, updates.
///
/// Its whole state is in `progress`. A training that resumes from there gives the same weights to the bit.
package struct Trainer {
    /// The state of a training.
    package struct Progress: Sendable, Equatable {
        package var epoch = 0
        /// The steps of the epoch that are done.
        package var step = 0
        package var parameters: [Float]
        package var optimiserStep = 0
        package var first: [Float]
        package var second: [Float]
    }

    package struct Report: Sendable, Equatable {
        package let epoch: Int
        package let step: Int
        package let loss: Double
        /// The norm of the gradient before clipping.
        package let norm: Double
        package let endsEpoch: Bool
    }

    package let model: TrainingModel
    package let plan: TrainingPlan
    package private(set) var parameters: [Float]
    package private(set) var epoch: Int
    private var step: Int
    private var optimiser: BertAdam<Float>
    private let freezing: Freezing
    private let examples: Int
    private var order: [Int]
    private let batch: ([Int]) throws -> TrainingBatch<Float>

    /// Makes a trainer; `batch` makes a batch from the numbers of its examples.
    package init(
        _ model: TrainingModel, plan: TrainingPlan, from progress: Progress, examples: Int,
        spatiotemporal: Bool = false,
        batch: @escaping ([Int]) throws -> TrainingBatch<Float>
    ) throws(TrainingError) {
        if let problem = plan.problem(examples: examples) { throw TrainingError(problem) }
        self.model = model
        self.plan = plan
        self.examples = examples
        self.batch = batch
        freezing = Freezing(layers: plan.frozenLayers, spatiotemporal: spatiotemporal)
        var rates = plan.rates
        // The reference's count: a fraction where the parts do not fill the last step.
        let parts = Double(plan.parts(of: examples))
        rates.total = (parts + Double(plan.accumulation) - 1) / Double(plan.accumulation) * Double(plan.epochs)
        optimiser = BertAdam(model.layout, rates: rates, freezing: freezing)
        optimiser.restore(step: progress.optimiserStep, first: progress.first, second: progress.second)
        parameters = progress.parameters
        (epoch, step) = (progress.epoch, progress.step)
        order = Self.order(of: examples, plan.seed, progress.epoch)
    }

    package var isOver: Bool { epoch >= plan.epochs }
    package var progress: Progress {
        let state = optimiser.state
        return Progress(
            epoch: epoch, step: step, parameters: parameters, optimiserStep: state.step, first: state.first,
            second: state.second)
    }

    private static func order(of count: Int, _ seed: UInt64, _ epoch: Int) -> [Int] {
        var random = SeededRandom(seed: seed &+ UInt64(epoch) &* 0x9E37_79B9_7F4A_7C15)
        return Array(0..<count).shuffled(using: &random)
    }

    /// Makes one step; throws if the loss is not finite, and then changes nothing.
    package mutating func advance() throws -> Report {
        precondition(!isOver)
        var gradient: [Float] = []
        var loss = 0.0
        let steps = plan.steps(of: examples)
        for part in 0..<plan.accumulation {
            let start = (step * plan.accumulation + part) * plan.part
            let made = try batch(Array(order[start..<start + plan.part]))
            let number = UInt64((epoch * steps + step) * plan.accumulation + part)
            let drop = plan.dropout > 0 ? (plan.dropout, plan.seed &* 31 &+ number) : nil
            let (value, g) = model.evaluate(made, parameters, freezing: freezing, dropout: drop)
            loss += value / Double(plan.accumulation)
            if gradient.isEmpty { gradient = g } else { Float.add(g, to: &gradient) }
        }
        if plan.accumulation > 1 {
            let share = 1 / Float(plan.accumulation)
            for index in gradient.indices { gradient[index] *= share }
        }
        guard loss.isFinite else {
            throw TrainingError("the loss is \(loss) in step \(step + 1) of epoch \(epoch + 1): training stops")
        }
        let norm = optimiser.update(&parameters, gradient)
        guard norm.isFinite else {
            throw TrainingError("the gradient is \(norm) in step \(step + 1) of epoch \(epoch + 1): training stops")
        }
        step += 1
        let report = Report(epoch: epoch, step: step, loss: loss, norm: norm, endsEpoch: step == steps)
        if report.endsEpoch {
            (epoch, step) = (epoch + 1, 0)
            order = Self.order(of: examples, plan.seed, epoch)
        }
        return report
    }
}

extension Trainer.Progress {
    /// The initial state, with the given parameters.
    package init(parameters: [Float]) {
        self.parameters = parameters
        first = [Float](repeating: 0, count: parameters.count)
        second = first
    }
}

/// The reason why a training cannot continue, as a sentence.
package struct TrainingError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
