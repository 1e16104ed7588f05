import ArgumentParser
import Checkpoints
import Foundation
import SystemSupport
import Tensors
import Training

/// How a training without epochs goes.
struct StepOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "What determines initial numbers, pictures and captions.")
    var seed: UInt64 = 1
    @Option(parsing: .unconditional, help: "Steps of the whole training.")
    var steps: Int
    @Option(parsing: .unconditional, help: "Pictures or windows of a step.")
    var batch: Int
    @Option(
        name: .customLong("learning-rate"), parsing: .unconditional,
        help: "The highest rate; it rises at first, then falls to almost none.")
    var learningRate: Double
    @Option(name: .shortAndLong, help: "The directory of the trained model.")
    var output: String
    @Option(help: "Where the state of the training is kept; by default beside the output.")
    var checkpoint: String?
    @Option(parsing: .unconditional, help: "Threads; by default one for each core.")
    var threads: Int?
    @Flag(help: "Go on with a training that was interrupted.")
    var resume = false
    @Flag(help: "Replace a model that is there.")
    var force = false
    @Flag(help: "Print one JSON object every 50 steps.")
    var json = false

    func validate() throws {
        if !(1...10_000_000).contains(steps) { throw ValidationError("--steps must be 1 or more") }
        if !(4...4096).contains(batch) { throw ValidationError("--batch must be 4 to 4096") }
        if !(learningRate > 0 && learningRate < 1) { throw ValidationError("--learning-rate must be in 0...1") }
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be 1 to 1024") }
    }

    var place: URL { URL(filePath: output).standardizedFileURL }
    var file: URL { checkpoint.map { URL(filePath: $0) } ?? place.appendingPathExtension("training") }
    var plan: StepTrainer.Plan { StepTrainer.Plan(steps: steps, batch: batch, seed: seed, rate: learningRate) }

    /// Whatever cannot be written later is said now.
    func prepare() throws {
        try StagedDirectory.check(place, replacing: force)
        try StagedDirectory.makeDirectory(file.deletingLastPathComponent())
        GeneralProduct.useThreads(threads ?? ProcessInfo.processInfo.activeProcessorCount)
    }
}

/// A training without epochs from its first step to its last, with checkpoints, a log and what a person sees.
struct StepSession: Sendable {
    let layout: ParameterLayout
    let options: StepOptions
    /// What a checkpoint is held against besides the plan.
    let data: String

    struct Result: Sendable {
        let parameters: [Float]
        /// Files of the trained model: log and curve.
        let files: [String: String]
    }

    /// Means over the steps since the last line.
    private struct Line: Codable, Sendable {
        var step: Int
        var loss: Double
        var parts: [String: Double]
    }

    private struct Log: Codable {
        var lines: [Line] = []
        var pending: [String: [Double]] = [:]
    }

    private var logFile: URL { options.file.appendingPathExtension("log") }
    private static let stride = 50

    /// Nil if it was asked to stop; the checkpoint then has all that is needed to go on.
    func run(
        from start: [Float], factor: (String) -> Double, stop: StopSign, evaluate: @escaping StepTrainer.Evaluate
    ) throws -> Result? {
        var (progress, log) = (Trainer.Progress(parameters: start), Log())
        let plan = options.plan
        if options.resume {
            progress = try TrainingCheckpoint.read(options.file, of: layout, plan: plan, data: data)
            log = try JSONDecoder().decode(Log.self, from: Data(contentsOf: logFile))
        }
        var trainer = StepTrainer(layout, plan: plan, from: progress, factor: factor, evaluate: evaluate)
        let (began, first) = (ContinuousClock.now, trainer.step)
        while !trainer.isOver {
            let (losses, _) = try trainer.advance()
            for part in losses.parts { log.pending[part.name, default: []].append(part.value) }
            let left = (ContinuousClock.now - began) / (trainer.step - first) * (plan.steps - trainer.step)
            show(trainer.step, losses.total, left: left)
            if trainer.step % Self.stride == 0 || trainer.isOver {
                let parts = log.pending.mapValues { $0.reduce(0, +) / Double($0.count) }
                // In the order of names, so that the sum is the same to the bit in every process.
                let loss = parts.sorted { $0.key < $1.key }.reduce(0) { $0 + $1.value }
                let line = Line(step: trainer.step, loss: loss, parts: parts)
                log.lines.append(line)
                log.pending = [:]
                try tell(line)
            }
            if stop.isRaised || log.pending.isEmpty { try write(trainer.progress, log) }
            if stop.isRaised, !trainer.isOver { return nil }
        }
        Terminal.progress("")
        let lines = try log.lines.map { String(decoding: try Self.encoder.encode($0), as: UTF8.self) + "\n" }
        let names = Set(log.lines.flatMap(\.parts.keys)).sorted()
        let parts = names.map { name in
            TrainingCurve.Loss(name, log.lines.compactMap { line in line.parts[name].map { (line.step, $0) } })
        }
        let curve = TrainingCurve(losses: [.init("loss", log.lines.map { ($0.step, $0.loss) })] + parts)
        return Result(
            parameters: trainer.parameters, files: ["training.svg": curve.svg, "training.jsonl": lines.joined()])
    }

    /// Files that a training which is over leaves behind.
    func removeFiles() {
        for file in [options.file, logFile] { try? FileManager.default.removeItem(at: file) }
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return encoder
    }

    private func write(_ progress: Trainer.Progress, _ log: Log) throws {
        try TrainingCheckpoint.write(progress, of: layout, plan: options.plan, data: data, to: options.file)
        do {
            try Self.encoder.encode(log).write(to: logFile, options: .atomic)
        } catch {
            throw WriteError(logFile.path, error.localizedDescription)
        }
    }

    private func show(_ step: Int, _ loss: Double, left: Duration) {
        let minutes = left.formatted(.units(allowed: [.hours, .minutes, .seconds], maximumUnitCount: 2))
        Terminal.progress(
            "step \(step) of \(options.steps), loss " + String(format: "%.3f", loss) + ", \(minutes) left")
    }

    private func tell(_ line: Line) throws {
        Terminal.progress("")
        if options.json { return try Terminal.say(json: line) }
        let parts = line.parts.sorted { $0.key < $1.key }.map { "\($0.key) " + String(format: "%.3f", $0.value) }
        Terminal.say(
            "step \(line.step): loss " + String(format: "%.3f", line.loss) + ", " + parts.joined(separator: ", "))
    }
}
