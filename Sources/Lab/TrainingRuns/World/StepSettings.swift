import Checkpoints
package import Foundation
import Tensors
import Training

/// The settings of a training of a fixed number of steps, and the paths of its files.
package struct StepSettings: Sendable {
    /// The seed of the initial parameters, the pictures and the captions.
    package let seed: UInt64
    /// The number of steps in the whole training.
    package let steps: Int
    /// The number of pictures or windows in a step.
    package let batch: Int
    /// The highest learning rate, reached after the warm-up.
    package let learningRate: Double
    /// The directory that the trained model is written to.
    package let destination: URL
    package let checkpoint: URL
    /// The number of threads for matrix products.
    package let threads: Int
    /// True if the training continues from the checkpoint.
    package let resume: Bool
    /// True if an existing model at the destination may be replaced.
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

    /// Makes the checkpoint's folder and sets the number of threads.
    ///
    /// Throws if the model could not be written at the end of the training.
    package func prepare() throws {
        try StagedDirectory.check(destination, replacing: force)
        try StagedDirectory.makeDirectory(checkpoint.deletingLastPathComponent())
        GeneralProduct.useThreads(threads)
    }
}
