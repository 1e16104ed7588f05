import ArgumentParser
import Checkpoints
import CLIP
import Commands
import Evaluation
import Foundation
import Tensors
import Training

/// `watchword train heads`: the text tower and all heads together, on the shapes world seen by a frozen image tower.
struct TrainHeads: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "heads",
        abstract: "Train the text tower and all heads together, on the shapes world seen by a frozen image tower.",
        discussion: """
            Runs of 16 frames are embedded once and kept in the work directory; windows are cut from them. Every batch has \
            the windows' own captions and a near miss of each (one thing or the direction changed). Side tasks (what does \
            the thing of a given look do, what does the caption say) help, and are not written.
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var options: StepOptions
    @Option(parsing: .unconditional, help: "Runs of frames that windows are cut from.")
    var runs = 10_000
    @Option(help: "Where the runs' embeddings are kept.")
    var work: String
    @Option(parsing: .unconditional, help: "Blocks of the transformer and tight heads.")
    var layers = 2
    @Option(parsing: .unconditional, help: "The weight of the side tasks.")
    var side = 0.5

    func validate() throws {
        if !(1...10_000_000).contains(runs) { throw ValidationError("--runs must be 1 or more") }
        if !(1...64).contains(layers) { throw ValidationError("--layers must be 1 to 64") }
        if !(side >= 0 && side.isFinite) { throw ValidationError("--side must be 0 or more") }
    }

    func run() async throws {
        try await Exit.guarding {
            try options.prepare()
            let directory = try model.directory()
            let architecture = directory.architecture
            guard architecture.vision.linearPatch == .planar else {
                throw ModelError(directory.url.path, "its patches are 3D, and frames of runs are embedded one by one")
            }
            let width = architecture.embedding
            let stack = StackShape(width: width, heads: max(1, width / 64), layers: layers, epsilon: 1e-12)
            let trained = HeadsModel(
                texts: TextShape(architecture), heads: stack, positions: architecture.text.context,
                tasks: WorldSlots.tasks)
            let fresh = FreshTowers.parameters(
                trained.layout, images: nil, texts: TextShape(architecture), seed: options.seed)
            let start = try overlay(fresh, trained.layout, directory)
            let (work, precision, tokenizer) = (URL(filePath: work), model.precision, try directory.tokenizer())
            let session = StepSession(
                layout: trained.layout, options: options, data: "\(directory.identity), \(runs) runs, side \(side)")
            let (options, count, side) = (options, runs, side)
            let result = try await StopSign.interruptible { stop -> (StepSession.Result, [String: Thresholds])? in
                func windows(seed: UInt64, count: Int) throws -> WindowBatches {
                    let runs = try WorldRuns(
                        directory, seed: seed, count: count, folder: work, precision: precision, stop: stop)
                    return WindowBatches(
                        runs: runs, architecture: architecture, tokenizer: tokenizer, seed: seed, size: options.batch)
                }
                let (batches, held): (WindowBatches, WindowBatches)
                do {
                    batches = try windows(seed: options.seed, count: count)
                    held = try windows(seed: ~options.seed, count: Self.heldRuns)
                } catch is CancellationError { return nil }
                // The text tower was trained already: it moves a little slower.
                let factor = { (name: String) in name.hasPrefix("clip.") || name.hasPrefix("side.pairs") ? 0.7 : 1.0 }
                let result = try session.run(from: start, factor: factor, stop: stop) { step, parameters in
                    trained.evaluate(batches.batch(step: step), side: side, parameters).losses
                }
                return result.map { ($0, Self.thresholds(trained, $0.parameters, on: held)) }
            }
            guard let (result, thresholds) = result else {
                Terminal.complain("interrupted; \(options.file.path) has the state, and --resume goes on")
                throw Exit.interrupted
            }
            try TrainedModel(
                source: directory, heads: [.lstm, .transformer, .tight], layout: trained.layout,
                parameters: result.parameters, thresholds: thresholds
            ).write(to: options.place, replacing: options.force, extras: result.files)
            session.removeFiles()
            if !options.json { Terminal.say("\(options.output): all heads, trained in \(options.steps) steps") }
        }
    }

    /// Fresh numbers, but the towers' where the model has them.
    private func overlay(
        _ fresh: [Float], _ layout: ParameterLayout, _ directory: ModelDirectory
    ) throws -> [Float] {
        var values = fresh
        for entry in layout.entries where entry.name.hasPrefix("clip.") {
            let own = try directory.tensors.floats(String(entry.name.dropFirst(5)), shape: entry.shape)
            values.replaceSubrange(entry.range, with: own)
        }
        return values
    }

    /// Every head's thresholds, chosen on windows of runs that were not learnt from.
    private static func thresholds(
        _ model: HeadsModel, _ parameters: [Float], on batches: WindowBatches
    ) -> [String: Thresholds] {
        var pairs: [String: [(score: Float, isTrue: Bool)]] = [:]
        for step in 0..<Self.heldBatches {
            let batch = batches.batch(step: step, nearMisses: false)
            for (head, scores) in model.inferred(batch, parameters) {
                for (score, truth) in zip(scores, batch.truth) where truth != 0.5 {
                    pairs[head, default: []].append((score, truth == 1))
                }
            }
        }
        return pairs.compactMapValues { Thresholds($0) }
    }

    private static let (heldRuns, heldBatches) = (500, 6)
}
