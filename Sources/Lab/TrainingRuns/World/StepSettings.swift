import Checkpoints
package import Foundation
import Tensors
import Training

/// Settings of a training that counts steps, and the places of its files.
package struct StepSettings: Sendable {
    /// Seed of the initial parameters, the pictures and the captions.
    package let seed: UInt64
    /// Steps of the whole training.
    package let steps: Int
    /// Pictures or windows of a step.
    package let batch: Int
    /// The peak of the learning rate.
    package let learningRate: Double
    /// The directory of the trained model.
    package let destination: URL
    package let checkpoint: URL
    /// Threads of matrix products.
    package let threads: Int
    /// Whether the training goes on from the checkpoint.
    package let resume: Bool
    /// Whether a model at the destination is replaced.
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
