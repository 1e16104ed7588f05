import Checkpoints
import Evaluation
import Foundation
import SystemSupport
import Training

/// A training from its first step to its last, with checkpoints, a log and what a person sees.
struct TrainingSession: Sendable {
    let model: TrainingModel
    let plan: TrainingPlan
    let pairs: TrainingData
    let heldOut: TrainingData?
    let checkpoint: URL
    let json: Bool

    struct Result: Sendable {
        let parameters: [Float]
        /// Files of the trained model: log and curve.
        let files: [String: String]
    }

    /// One line of the log.
    struct Epoch: Codable, Sendable {
        let epoch: Int
        let loss: Double
        let recallAt1: Double?
        let losses: [Double]

        enum CodingKeys: String, CodingKey {
            case epoch, loss, losses
            case recallAt1 = "R1"
        }
    }

    /// What is beside the trainer's own progress in a checkpoint.
    private struct Log: Codable {
        var epochs: [Epoch] = []
        var losses: [Double] = []
    }

    /// Nil if it was asked to stop; the checkpoint then has all that is needed to go on.
    func run(from start: [Float], resume: Bool, stop: StopSign) throws -> Result? {
        var (progress, log, best) = (Trainer.Progress(parameters: start), Log(), Best?.none)
        if resume {
            progress = try TrainingCheckpoint.read(checkpoint, of: model.layout, plan: plan, data: pairs.fingerprint)
            log = try JSONDecoder().decode(Log.self, from: Data(contentsOf: logFile))
            best = try readBest(log)
        }
        var trainer = try Trainer(
            model, plan: plan, from: progress, examples: pairs.set.items.count,
            spatiotemporal: model.isSpatiotemporal, batch: pairs.batch)
        let steps = plan.steps(of: pairs.set.items.count)
        let all = steps * plan.epochs
        let began = ContinuousClock.now
        var done = 0
        var saved = ContinuousClock.now
        while !trainer.isOver {
            let report = try trainer.advance()
            done += 1
            log.losses.append(report.loss)
            show(report, left: (ContinuousClock.now - began) / done * (all - report.epoch * steps - report.step))
            if report.endsEpoch {
                let recall = try heldOut?.recall(model, trainer.parameters)
                let mean = log.losses.reduce(0, +) / Double(log.losses.count)
                let epoch = Epoch(epoch: report.epoch + 1, loss: mean, recallAt1: recall, losses: log.losses)
                log.epochs.append(epoch)
                log.losses = []
                try tell(epoch)
                if let recall, recall > best?.recall ?? -1 {
                    best = Best(recall: recall, parameters: trainer.parameters)
                    try write(best: trainer.progress)
                }
            }
            if report.endsEpoch || stop.isRaised || ContinuousClock.now - saved > .seconds(60) {
                try write(trainer.progress, log)
                saved = .now
            }
            if stop.isRaised, !trainer.isOver { return nil }
        }
        Terminal.progress("")
        let losses = log.epochs.flatMap(\.losses).enumerated().map { ($0 + 1, $1) }
        let recalls = log.epochs.enumerated().compactMap { number, epoch in
            epoch.recallAt1.map { ((number + 1) * steps, $0) }
        }
        let curve = TrainingCurve(losses: [.init("loss", losses)], recalls: recalls).svg
        let lines = try log.epochs.map { String(decoding: try Self.encoder.encode($0), as: UTF8.self) + "\n" }
        return Result(
            parameters: best?.parameters ?? trainer.parameters,
            files: ["training.svg": curve, "training.jsonl": lines.joined()])
    }

    /// Files that a training which is over leaves behind: they are needed until its model is written.
    func removeFiles() {
        for file in [checkpoint, logFile, bestFile] { try? FileManager.default.removeItem(at: file) }
    }

    private struct Best {
        let recall: Double
        let parameters: [Float]
    }

    private var logFile: URL { checkpoint.appendingPathExtension("log") }
    private var bestFile: URL { checkpoint.appendingPathExtension("best") }
    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return encoder
    }

    private func write(_ progress: Trainer.Progress, _ log: Log) throws {
        try TrainingCheckpoint.write(progress, of: model.layout, plan: plan, data: pairs.fingerprint, to: checkpoint)
        do {
            try Self.encoder.encode(log).write(to: logFile, options: .atomic)
        } catch {
            throw WriteError(logFile.path, error.localizedDescription)
        }
    }

    private func write(best progress: Trainer.Progress) throws {
        try TrainingCheckpoint.write(progress, of: model.layout, plan: plan, data: pairs.fingerprint, to: bestFile)
    }

    private func readBest(_ log: Log) throws -> Best? {
        guard let recall = log.epochs.compactMap(\.recallAt1).max() else { return nil }
        let progress = try TrainingCheckpoint.read(bestFile, of: model.layout, plan: plan, data: pairs.fingerprint)
        return Best(recall: recall, parameters: progress.parameters)
    }

    private func show(_ report: Trainer.Report, left: Duration) {
        let minutes = left.formatted(.units(allowed: [.hours, .minutes, .seconds], maximumUnitCount: 2))
        Terminal.progress(
            "epoch \(report.epoch + 1) of \(plan.epochs), step \(report.step), loss "
                + String(format: "%.4f", report.loss) + ", \(minutes) left")
    }

    private func tell(_ epoch: Epoch) throws {
        Terminal.progress("")
        if json {
            return try Terminal.say(json: Shown(epoch: epoch.epoch, loss: epoch.loss, recallAt1: epoch.recallAt1))
        }
        let recall = epoch.recallAt1.map { String(format: ", R@1 %.1f", $0) } ?? ""
        Terminal.say(String(format: "epoch \(epoch.epoch): loss %.4f", epoch.loss) + recall)
    }

    private struct Shown: Encodable {
        let epoch: Int
        let loss: Double
        let recallAt1: Double?

        enum CodingKeys: String, CodingKey {
            case epoch, loss
            case recallAt1 = "R1"
        }
    }
}
