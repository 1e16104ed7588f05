import Tensors

/// Trains a model for a fixed number of steps on an endless sequence of batches.
///
/// A step's number determines its batch and random choices. A training that resumes from a saved `progress` therefore
/// ends with the same weights, bit for bit.
package struct StepTrainer {
    package struct Plan: Sendable, Equatable, Codable {
        package var steps: Int
        package var batch: Int
        package var seed: UInt64
        package var schedule: CosineSchedule
        /// The weight decay of parameters with two or more dimensions; biases and other vectors have none.
        package var decay = 0.05

        package init(steps: Int, batch: Int, seed: UInt64, rate: Double) {
            (self.steps, self.batch, self.seed) = (steps, batch, seed)
            schedule = CosineSchedule(peak: rate, steps: steps)
        }
    }

    package typealias Evaluate = (_ step: Int, _ parameters: [Float]) throws -> Losses<Float>

    private let layout: ParameterLayout
    private let plan: Plan
    private let evaluate: Evaluate
    private var optimiser: AdamW
    package private(set) var parameters: [Float]
    package var step: Int { optimiser.step }
    package var isOver: Bool { step >= plan.steps }

    /// Makes a trainer that continues from `progress`; `factor` maps a parameter's name to its learning rate's factor.
    ///
    /// Gradients of parameters named `side.*` (used only by auxiliary losses) are not clipped.
    package init(
        _ layout: ParameterLayout, plan: Plan, from progress: Trainer.Progress, factor: (String) -> Double,
        evaluate: @escaping Evaluate
    ) {
        (self.layout, self.plan, self.evaluate) = (layout, plan, evaluate)
        parameters = progress.parameters
        optimiser = AdamW(layout) { entry in
            let isSide = entry.name.hasPrefix("side.")
            return AdamW.Group(
                factor: factor(entry.name), decay: entry.shape.count < 2 ? 0 : plan.decay, isClipped: !isSide)
        }
        optimiser.restore(step: progress.optimiserStep, first: progress.first, second: progress.second)
    }

    package var progress: Trainer.Progress {
        var progress = Trainer.Progress(parameters: parameters)
        (progress.step, progress.optimiserStep) = (step, step)
        (progress.first, progress.second) = (optimiser.first, optimiser.second)
        return progress
    }

    /// Makes one training step; returns the losses and the gradient's norm before clipping.
    ///
    /// Throws and leaves the parameters unchanged if the loss or the norm is not finite.
    package mutating func advance() throws -> (losses: Losses<Float>, norm: Double) {
        let losses = try evaluate(step, parameters)
        guard losses.total.isFinite else {
            throw TrainingError("the loss is \(losses.total) in step \(step + 1): training stops")
        }
        let norm = optimiser.update(&parameters, losses.gradient, rate: plan.schedule.rate(step: step))
        guard norm.isFinite else {
            throw TrainingError("the gradient is \(norm) in step \(step + 1): training stops")
        }
        if let scale = layout.entry("clip.logit_scale") {
            // The logit scale is at most 100, as in CLIP.
            parameters[scale.range.lowerBound] = min(max(parameters[scale.range.lowerBound], 0), 4.6052)
        }
        return (losses, norm)
    }
}
