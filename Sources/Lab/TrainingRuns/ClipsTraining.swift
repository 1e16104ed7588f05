import CLIP
import Checkpoints
package import Evaluation
package import EvaluationRuns
package import Foundation
package import Printing
import Tensors
package import Training

/// Trains a head, and optionally CLIP's towers, on the user's own video clips.
///
/// A head is the part of the model that turns frame embeddings and a text into a score.
package struct ClipsTraining: Sendable {
    /// The settings of a training, such as the parts of the model to train and the folders to use.
    package struct Settings: Sendable {
        package let head: HeadKind
        package let learn: LearntParts
        /// The kind of image patches (2D or 3D) to train with; nil keeps the model's kind.
        package let patches: PatchKind?
        /// True if the head starts with new parameters, even if the model has trained ones.
        package let fresh: Bool
        /// The number of transformer blocks of a new head.
        package let layers: Int
        package let plan: TrainingPlan
        /// The greatest number of tokens of a text; nil means the model's context length.
        package let maxWords: Int?
        /// The folder that caches embeddings and decoded pictures.
        package let cache: String
        package let checkpoint: URL
        /// The number of threads for matrix products.
        package let threads: Int

        package init(
            head: HeadKind, learn: LearntParts, patches: PatchKind?, fresh: Bool, layers: Int, plan: TrainingPlan,
            maxWords: Int?, cache: String, checkpoint: URL, threads: Int
        ) {
            (self.head, self.learn, self.patches, self.fresh) = (head, learn, patches, fresh)
            (self.layers, self.plan, self.maxWords, self.cache) = (layers, plan, maxWords, cache)
            (self.checkpoint, self.threads) = (checkpoint, threads)
        }
    }

    private let settings: Settings
    private let source: ModelDirectory
    private let setup: TrainingSetup
    private let session: TrainingSession
    /// The number of (text, clip) pairs that are trained on.
    package var pairs: Int { session.pairs.set.items.count }

    /// Prepares a training; first embeds or decodes all clips into the cache, which may take long.
    ///
    /// With `heldOut`, R@1 is measured on these pairs after each epoch, and the epoch with the highest R@1 is kept;
    /// without it, the last epoch is. Throws if the checkpoint's folder cannot be made.
    package init(
        _ settings: Settings, _ embedding: ClipEmbedding, pairs: RetrievalSet, heldOut: RetrievalSet?,
        _ reporter: ProgressReporter
    ) async throws {
        self.settings = settings
        source = embedding.embedder.model
        setup = try TrainingSetup(
            source, head: settings.head, learn: settings.learn, patches: settings.patches, fresh: settings.fresh,
            frames: embedding.frames, layers: settings.layers, seed: settings.plan.seed)
        let pictures = settings.learn == .all ? try PictureCache(folder: settings.cache, model: source) : nil
        let data = try await TrainingData(
            pairs, embedding, learns: settings.learn, maxWords: settings.maxWords, pictures: pictures, reporter)
        var heldOutData: TrainingData?
        if let heldOut {
            heldOutData = try await TrainingData(
                heldOut, embedding, learns: settings.learn, maxWords: settings.maxWords, pictures: pictures, reporter)
        }
        try StagedDirectory.makeDirectory(settings.checkpoint.deletingLastPathComponent())
        session = TrainingSession(
            model: setup.model, plan: settings.plan, pairs: data, heldOut: heldOutData,
            checkpoint: settings.checkpoint)
    }

    /// Trains, writes the model to `destination` and removes the checkpoint; returns false if `stop` ended it early.
    ///
    /// It blocks the calling thread.
    package func run(
        to destination: URL, replacing: Bool, resume: Bool, stop: StopFlag,
        report: (TrainingSession.Event) throws -> Void
    ) throws -> Bool {
        GeneralProduct.useThreads(settings.threads)
        guard let result = try session.run(from: setup.start, resume: resume, stop: stop, report: report) else {
            return false
        }
        try TrainedModel(
            source: source, heads: [settings.head], layout: setup.model.layout, parameters: result.parameters
        ).write(to: destination, replacing: replacing, extras: result.files)
        session.removeFiles()
        return true
    }
}
