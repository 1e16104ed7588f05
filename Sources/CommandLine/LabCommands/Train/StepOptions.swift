import ArgumentParser
import Foundation
import TrainingRuns

/// The options of a training of a fixed number of steps.
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

    /// The settings that the options describe.
    var settings: StepSettings {
        let destination = URL(filePath: output).standardizedFileURL
        return StepSettings(
            seed: seed, steps: steps, batch: batch, learningRate: learningRate, destination: destination,
            checkpoint: checkpoint.map { URL(filePath: $0) } ?? destination.appendingPathExtension("training"),
            threads: threads ?? ProcessInfo.processInfo.activeProcessorCount, resume: resume, force: force)
    }
}
