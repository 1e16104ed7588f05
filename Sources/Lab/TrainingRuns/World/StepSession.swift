import Checkpoints
import Foundation
import Training

/// Runs a training of a fixed number of steps, with checkpoints and a log.
package struct StepSession: Sendable {
    /// A progress report of a training.
    package enum Event: Sendable {
        /// A step is done; `left` is the estimated time until the training ends.
        case step(Int, loss: Double, left: Duration)
        case line(Line)
    }

    /// A line of the training log: the mean losses since the previous line.
    package struct Line: Codable, Sendable {
        package let step: Int
        /// The sum of `parts`.
        package let loss: Double
        package let parts: [String: Double]
    }

    struct Result: Sendable {
        let parameters: [Float]
        /// Further files for the trained model's directory, as text by file name: the log and a diagram of the losses.
        let files: [String: String]
    }

    private struct Log: Codable {
        var lines: [Line] = []
        /// The losses of the steps since the log's last line, by name.
        var pending: [String: [Double]] = [:]

        /// Adds a line to the log with the mean losses since the last line.
        ///
        /// The losses are summed in the order of their names, so that the sum is the same bit for bit in every run.
        mutating func endLine(at step: Int) -> Line {
            let parts = pending.mapValues { $0.reduce(0, +) / Double($0.count) }
            let loss = parts.sorted { $0.key < $1.key }.reduce(0) { $0 + $1.value }
            let line = Line(step: step, loss: loss, parts: parts)
            lines.append(line)
            pending = [:]
            return line
        }
    }

    let layout: ParameterLayout
    let settings: StepSettings
    /// A description of the training data; a checkpoint with another description is not resumed.
    let data: String

    private var logFile: URL { settings.checkpoint.appendingPathExtension("log") }
    /// The number of steps between two lines of the log.
    private static let stride = 50

    /// Trains from `start`, or from the checkpoint if the settings say so; returns nil if `stop` ended it early.
    ///
    /// A training that ends early leaves a checkpoint from which it can resume. `factor` maps a parameter's name to its
    /// share of the learning rate. Throws `TrainingError` if the checkpoint belongs to another plan or other data, or
    /// if the loss is not finite.
    func run(
        from start: [Float], factor: (String) -> Double, stop: StopFlag, report: (Event) throws -> Void,
        evaluate: @escaping StepTrainer.Evaluate
    ) throws -> Result? {
        var (progress, log) = (Trainer.Progress(parameters: start), Log())
        let plan = settings.plan
        if settings.resume {
            progress = try TrainingCheckpoint.read(settings.checkpoint, of: layout, plan: plan, data: data)
            log = try LogEncoding.read(at: progress.optimiserStep, from: logFile)
        }
        var trainer = StepTrainer(layout, plan: plan, from: progress, factor: factor, evaluate: evaluate)
        let (began, first) = (ContinuousClock.now, trainer.step)
        while !trainer.isOver {
            let (losses, _) = try trainer.advance()
            for part in losses.parts { log.pending[part.name, default: []].append(part.value) }
            let left = (ContinuousClock.now - began) / (trainer.step - first) * (plan.steps - trainer.step)
            try report(.step(trainer.step, loss: losses.total, left: left))
            if trainer.step % Self.stride == 0 || trainer.isOver {
                try report(.line(log.endLine(at: trainer.step)))
            }
            if stop.isRaised || log.pending.isEmpty { try write(trainer.progress, log) }
            if stop.isRaised, !trainer.isOver { return nil }
        }
        return Result(parameters: trainer.parameters, files: try files(of: log))
    }

    /// Removes the checkpoint and its log; to be called once the model is written.
    func removeFiles() {
        try? FileManager.default.removeItem(at: settings.checkpoint)
        LogEncoding.remove(logFile)
    }

    /// Returns the log as JSON lines and a diagram of all losses as SVG, each as text by file name.
    private func files(of log: Log) throws -> [String: String] {
        let lines = try log.lines.map { String(decoding: try LogEncoding.encoder.encode($0), as: UTF8.self) + "\n" }
        let names = Set(log.lines.flatMap(\.parts.keys)).sorted()
        let parts = names.map { name in
            TrainingCurve.Loss(name, log.lines.compactMap { line in line.parts[name].map { (line.step, $0) } })
        }
        let curve = TrainingCurve(losses: [.init("loss", log.lines.map { ($0.step, $0.loss) })] + parts)
        return ["training.svg": curve.svg, "training.jsonl": lines.joined()]
    }

    private func write(_ progress: Trainer.Progress, _ log: Log) throws {
        try LogEncoding.write(log, at: progress.optimiserStep, to: logFile) {
            try TrainingCheckpoint.write(
                progress, of: layout, plan: settings.plan, data: data, to: settings.checkpoint)
        }
    }
}
