import CLIP
import Checkpoints
package import Evaluation
package import EvaluationRuns
package import Foundation
package import Printing
import Tensors
package import Training

/// Trains a head, and optionally the towers, on clips of one's own.
package struct ClipsTraining: Sendable {
    /// The parts to train, and the settings.
    package struct Settings: Sendable {
        package let head: HeadKind
        package let learn: LearntParts
        /// The kind of patches; nil keeps the model's.
        package let patches: PatchKind?
        /// Whether the head begins with new parameters, even if the model has trained ones.
        package let fresh: Bool
        /// The number of blocks of a new head.
        package let layers: Int
        package let plan: TrainingPlan
        /// The greatest number of tokens of a text; nil means the model's context.
        package let maxWords: Int?
        /// The folder that caches embeddings and pictures.
        package let cache: String
        package let checkpoint: URL
        /// The threads of matrix products.
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
    /// The number of training pairs.
    package var pairs: Int { session.pairs.set.items.count }

    /// Embeds or decodes all clips into the cache, which may take long.
    ///
    /// Without `heldOut`, R@1 is not measured, and the last epoch is kept. Throws if the checkpoint's folder cannot be
    /// made.
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
