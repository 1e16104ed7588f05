import SystemSupport
import Tensors

/// Trains a model on a data set in epochs, in an order of examples that the seed determines.
///
/// A training that resumes from a saved `progress` ends with the same weights, bit for bit.
package struct Trainer {
    /// The state of a training between two steps, from which it can be resumed.
    package struct Progress: Sendable, Equatable {
        package var epoch = 0
        /// The number of training steps done in the current epoch.
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
        /// The gradient's Euclidean norm before clipping.
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

    /// Makes a trainer that continues from `progress`; `batch` makes a batch from the indices of its examples.
    ///
    /// Throws if the plan does not fit the number of examples.
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
        // CLIP4Clip's number of steps, which is a fraction if the last step has fewer parts than the others.
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

    /// Makes one training step; throws and changes nothing if the loss or the gradient's norm is not finite.
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
    /// Makes the state before the first step: the given parameters, and zeros for the optimiser's moments.
    package init(parameters: [Float]) {
        self.parameters = parameters
        first = [Float](repeating: 0, count: parameters.count)
        second = first
    }
}

/// An error that stops a training; the description is a sentence for the user.
package struct TrainingError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
