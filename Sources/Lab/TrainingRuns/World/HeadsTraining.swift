package import CLIP
import Checkpoints
import Evaluation
package import Foundation
package import Printing
package import Tensors
import Tokenizers
import Training

/// Trains the text tower and all heads together on windows cut from generated scenes.
///
/// A head is the part of the model that turns frame embeddings and a text into a score. The image tower is frozen, so
/// its frame embeddings are computed once and stored.
package struct HeadsTraining: Sendable {
    private let source: ModelDirectory
    private let settings: StepSettings
    private let precision: Precision
    /// The number of generated frame sequences (runs) that training windows are cut from.
    private let runs: Int
    /// The folder that stores the frame embeddings of the generated sequences.
    private let work: URL
    /// The number of blocks of the transformer and tight heads.
    private let layers: Int
    /// The weight of the auxiliary losses.
    private let side: Double

    /// The number of generated sequences that thresholds are chosen on, and of batches cut from them.
    private static let (heldOutRuns, heldOutBatches) = (500, 6)
    /// The factor of the text tower's learning rate, below 1 since it begins with trained parameters.
    private static let towerFactor = 0.7

    /// Makes the training; throws `ModelError` if the model has 3D patches, since frames are embedded one by one.
    package init(
        _ source: ModelDirectory, _ settings: StepSettings, precision: Precision, runs: Int, work: URL, layers: Int,
        side: Double
    ) throws {
        guard source.architecture.vision.linearPatch == .planar else {
            throw ModelError(source.url.path, "its patches are 3D, and frames of runs are embedded one by one")
        }
        (self.source, self.settings, self.precision) = (source, settings, precision)
        (self.runs, self.work, self.layers, self.side) = (runs, work, layers, side)
    }

    /// Trains, writes the model and removes the checkpoint; returns false if `stop` ended it early.
    ///
    /// If the generated frames' embeddings are not stored yet, it computes them first. It blocks the calling thread.
    package func run(
        stop: StopFlag, _ reporter: ProgressReporter, report: (StepSession.Event) throws -> Void
    ) throws -> Bool {
        let architecture = source.architecture
        let width = architecture.embedding
        let stack = StackShape(width: width, heads: max(1, width / 64), layers: layers, epsilon: 1e-12)
        let model = HeadsModel(
            texts: TextShape(architecture), heads: stack, positions: architecture.text.context,
            tasks: WorldSlots.tasks)
        let start = try startParameters(model.layout)
        let tokenizer = try source.tokenizer()
        let session = StepSession(
            layout: model.layout, settings: settings, data: "\(source.identity), \(runs) runs, side \(side)")
        let (batches, heldOut): (WindowBatches, WindowBatches)
        do {
            batches = try windows(seed: settings.seed, count: runs, tokenizer, stop, reporter)
            heldOut = try windows(seed: ~settings.seed, count: Self.heldOutRuns, tokenizer, stop, reporter)
        } catch is CancellationError { return false }
        let factor = { (name: String) in
            name.hasPrefix("clip.") || name.hasPrefix("side.pairs") ? Self.towerFactor : 1.0
        }
        let side = side
        let result = try session.run(from: start, factor: factor, stop: stop, report: report) { step, parameters in
            model.evaluate(batches.batch(step: step), side: side, parameters).losses
        }
        guard let result else { return false }
        try TrainedModel(
            source: source, heads: [.lstm, .transformer, .tight], layout: model.layout, parameters: result.parameters,
            thresholds: Self.thresholds(model, result.parameters, on: heldOut)
        ).write(to: settings.destination, replacing: settings.force, extras: result.files)
        session.removeFiles()
        return true
    }

    /// Opens the stored frame embeddings, or computes them, and returns the batches cut from them.
    private func windows(
        seed: UInt64, count: Int, _ tokenizer: Tokenizer, _ stop: StopFlag, _ reporter: ProgressReporter
    ) throws -> WindowBatches {
        let runs = try WorldRuns(
            source, seed: seed, count: count, folder: work, precision: precision, stop: stop, reporter)
        return WindowBatches(
            runs: runs, architecture: source.architecture, tokenizer: tokenizer, seed: seed, size: settings.batch)
    }

    /// Returns initial parameters: the model's own for the text tower, new ones for everything else.
    private func startParameters(_ layout: ParameterLayout) throws -> [Float] {
        var values = FreshTowers.parameters(
            layout, images: nil, texts: TextShape(source.architecture), seed: settings.seed)
        for entry in layout.entries where entry.name.hasPrefix("clip.") {
            let own = try source.tensors.floats(String(entry.name.dropFirst(5)), shape: entry.shape)
            values.replaceSubrange(entry.range, with: own)
        }
        return values
    }

    /// Chooses every head's score thresholds on windows that were not trained on.
    private static func thresholds(
        _ model: HeadsModel, _ parameters: [Float], on batches: WindowBatches
    ) -> [HeadKind: Thresholds] {
        var pairs: [HeadKind: [(score: Float, isTrue: Bool)]] = [:]
        for step in 0..<heldOutBatches {
            let batch = batches.batch(step: step, nearMisses: false)
            for (head, scores) in model.inferred(batch, parameters) {
                for (score, truth) in zip(scores, batch.truth) where truth != 0.5 {
                    pairs[head, default: []].append((score, truth == 1))
                }
            }
        }
        return pairs.compactMapValues { Thresholds($0) }
    }
}
