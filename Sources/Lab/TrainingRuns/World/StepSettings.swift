import Checkpoints
package import Foundation
import Tensors
import Training

/// The settings of a training of a number of steps, and the paths of its files.
package struct StepSettings: Sendable {
    /// The seed of the initial parameters, the pictures and the captions.
    package let seed: UInt64
    /// The steps of the whole training.
    package let steps: Int
    /// The pictures or windows of a step.
    package let batch: Int
    /// The peak of the learning rate.
    package let learningRate: Double
    /// The directory of the trained model.
    package let destination: URL
    package let checkpoint: URL
    /// The threads of matrix products.
    package let threads: Int
    /// Whether the training continues from the checkpoint.
    package let resume: Bool
    /// Whether an existing model at the destination is replaced.
    package let force: Bool

    package init(
        seed: UInt64, steps: Int, batch: Int, learningRate: Double, destination: URL, checkpoint: URL, threads: Int,
        resume: Bool, force: Bool
    ) {
        (self.seed, self.steps, self.batch, self.learningRate) = (seed, steps, batch, learningRate)
        (self.destination, self.checkpoint) = (destination, checkpoint)
        (self.threads, self.resume, self.force) = (threads, resume, force)
    }

    var plan: StepTrainer.Plan { StepTrainer.Plan(steps: steps, batch: batch, seed: seed, rate: learningRate) }

    /// Makes the checkpoint's folder and sets the threads; throws if the model could not be written at the end.
    package func prepare() throws {
        try StagedDirectory.check(destination, replacing: force)
        try StagedDirectory.makeDirectory(checkpoint.deletingLastPathComponent())
        GeneralProduct.useThreads(threads)
    }
}
