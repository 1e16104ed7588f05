import Checkpoints
import Evaluation
import Foundation
import Training

/// Runs a training in epochs from the first step to the last, with checkpoints and a log.
package struct TrainingSession: Sendable {
    /// A progress report of a training.
    package enum Event: Sendable {
        /// A step is done; `left` is the estimated time until the training ends.
        case step(epoch: Int, step: Int, loss: Double, left: Duration)
        case epoch(Epoch)
    }

    /// A line of the training log about one epoch; `epoch` counts from 1.
    package struct Epoch: Codable, Sendable {
        package let epoch: Int
        /// The mean loss over the epoch's steps.
        package let loss: Double
        /// The R@1 on held-out pairs after the epoch, in percent; nil without such pairs.
        package let recallAt1: Double?
        package let losses: [Double]

        private enum CodingKeys: String, CodingKey {
            case epoch, loss, losses
            case recallAt1 = "R1"
        }
    }

    struct Result: Sendable {
        let parameters: [Float]
        /// Further files for the trained model's directory, as text by file name: the log and a diagram of the losses.
        let files: [String: String]
    }

    /// The log that is stored beside a checkpoint: finished epochs, and the losses of the current one.
    private struct Log: Codable {
        var epochs: [Epoch] = []
        var losses: [Double] = []
    }

    /// The epoch with the highest R@1 so far.
    private struct Best {
        let recall: Double
        let parameters: [Float]
    }

    let model: TrainingModel
    let plan: TrainingPlan
    let pairs: TrainingData
    let heldOut: TrainingData?
    let checkpoint: URL

    private var steps: Int { plan.steps(of: pairs.set.items.count) }
    private var logFile: URL { checkpoint.appendingPathExtension("log") }
    private var bestFile: URL { checkpoint.appendingPathExtension("best") }
    /// The time between two checkpoints within an epoch.
    private static let checkpointInterval = Duration.seconds(60)

    /// Trains from `start`, or with `resume` from the checkpoint; returns nil if `stop` ended it early.
    ///
    /// A training that ends early leaves a checkpoint from which it can resume. Throws `TrainingError` if the
    /// checkpoint belongs to other data or another plan, or if the loss is not finite.
    func run(
        from start: [Float], resume: Bool, stop: StopFlag, report: (Event) throws -> Void
    ) throws -> Result? {
        var (progress, log, best) = (Trainer.Progress(parameters: start), Log(), Best?.none)
        if resume {
            progress = try TrainingCheckpoint.read(checkpoint, of: model.layout, plan: plan, data: pairs.fingerprint)
            log = try LogEncoding.read(at: progress.optimiserStep, from: logFile)
            best = try readBest(log)
        }
        var trainer = try Trainer(
            model, plan: plan, from: progress, examples: pairs.set.items.count,
            spatiotemporal: model.isSpatiotemporal, batch: pairs.batch)
        let all = steps * plan.epochs
        let began = ContinuousClock.now
        var done = 0
        var saved = ContinuousClock.now
        while !trainer.isOver {
            let step = try trainer.advance()
            done += 1
            log.losses.append(step.loss)
            let left = (ContinuousClock.now - began) / done * (all - step.epoch * steps - step.step)
            try report(.step(epoch: step.epoch + 1, step: step.step, loss: step.loss, left: left))
            if step.endsEpoch { try endEpoch(step.epoch + 1, trainer, &log, &best, report) }
            if step.endsEpoch || stop.isRaised || ContinuousClock.now - saved > Self.checkpointInterval {
                try write(trainer.progress, log)
                saved = .now
            }
            if stop.isRaised, !trainer.isOver { return nil }
        }
        return Result(parameters: best?.parameters ?? trainer.parameters, files: try files(of: log))
    }

    /// Removes the checkpoint and its log; to be called once the model is written.
    func removeFiles() {
        for file in [checkpoint, bestFile] { try? FileManager.default.removeItem(at: file) }
        LogEncoding.remove(logFile)
    }

    /// Measures R@1 after an epoch and logs it; saves the parameters if it is the highest so far.
    private func endEpoch(
        _ number: Int, _ trainer: Trainer, _ log: inout Log, _ best: inout Best?, _ report: (Event) throws -> Void
    ) throws {
        let recall = try heldOut?.recall(model, trainer.parameters)
        let mean = log.losses.reduce(0, +) / Double(log.losses.count)
        let epoch = Epoch(epoch: number, loss: mean, recallAt1: recall, losses: log.losses)
        log.epochs.append(epoch)
        log.losses = []
        try report(.epoch(epoch))
        guard let recall, recall > best?.recall ?? -1 else { return }
        best = Best(recall: recall, parameters: trainer.parameters)
        try TrainingCheckpoint.write(
            trainer.progress, of: model.layout, plan: plan, data: pairs.fingerprint, to: bestFile)
    }

    /// Returns the log as JSON lines and a diagram of losses and R@1 as SVG, each as text by file name.
    private func files(of log: Log) throws -> [String: String] {
        let losses = log.epochs.flatMap(\.losses).enumerated().map { ($0 + 1, $1) }
        let recalls = log.epochs.enumerated().compactMap { number, epoch in
            epoch.recallAt1.map { ((number + 1) * steps, $0) }
        }
        let curve = TrainingCurve(losses: [.init("loss", losses)], recalls: recalls).svg
        let lines = try log.epochs.map { String(decoding: try LogEncoding.encoder.encode($0), as: UTF8.self) + "\n" }
        return ["training.svg": curve, "training.jsonl": lines.joined()]
    }

    private func write(_ progress: Trainer.Progress, _ log: Log) throws {
        try LogEncoding.write(log, at: progress.optimiserStep, to: logFile) {
            try TrainingCheckpoint.write(
                progress, of: model.layout, plan: plan, data: pairs.fingerprint, to: checkpoint)
        }
    }

    private func readBest(_ log: Log) throws -> Best? {
        guard let recall = log.epochs.compactMap(\.recallAt1).max() else { return nil }
        let progress = try TrainingCheckpoint.read(bestFile, of: model.layout, plan: plan, data: pairs.fingerprint)
        return Best(recall: recall, parameters: progress.parameters)
    }
}
