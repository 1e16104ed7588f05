import ArgumentParser
import Checkpoints
import Foundation
import Tensors
import Training

/// `watchword bench training`: a step of a head on embeddings, forward, backward and update.
struct TrainBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "training", abstract: "Time training steps of a head on random embeddings.")

    @Option(help: "lstm, transformer or tight.")
    var head = HeadKind.transformer
    @Option(help: "Width of the embeddings.")
    var width = 512
    @Option(help: "Frames of a window.")
    var frames = 12
    @Option(help: "Pairs of a step.")
    var batch = 128
    @Option(help: "Blocks of the transformer and tight heads.")
    var layers = 4
    @Option(help: "Steps that are timed, after one that is not.")
    var steps = 5
    @Option(help: "Threads of matrix products; by default one for each core.")
    var threads: Int?
    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        for (name, value) in [("width", width), ("frames", frames), ("layers", layers), ("steps", steps)]
        where !(1...4096).contains(value) { throw ValidationError("--\(name) must be 1 to 4096") }
        if !(2...4096).contains(batch) { throw ValidationError("--batch must be 2 to 4096") }
    }

    private struct Line: Encodable {
        let bench = "training"
        let head: String
        let width, frames, batch, layers, threads: Int
        let msPerStep: Double
        let fastest: Double
        let slowest: Double

        enum CodingKeys: String, CodingKey {
            case bench, head, width, frames, batch, layers, threads, fastest, slowest
            case msPerStep = "ms_per_step"
        }
    }

    func run() throws {
        let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        GeneralProduct.useThreads(threads)
        let shape = HeadShape(
            kind: head,
            stack: StackShape(width: width, heads: max(1, width / 64), layers: layers, epsilon: 1e-12),
            positions: frames + 1)
        let model = TrainingModel(head: shape)
        let none = MemoryTensors([:], origin: "nothing")
        let start = try Initialisation.parameters(model.layout, stored: none, clip: none, seed: 1)
        var plan = TrainingPlan()
        plan.epochs = steps + 1
        plan.batch = batch
        plan.dropout = 0
        var numbers = SystemRandomNumberGenerator()
        let texts = (0..<batch * width).map { _ in Float.random(in: -1...1, using: &numbers) }
        let windows = (0..<batch * frames * width).map { _ in Float.random(in: -1...1, using: &numbers) }
        let made = TrainingBatch<Float>(
            texts: .embeddings(texts), frames: .embeddings(windows), valid: [Int](repeating: frames, count: batch))
        var trainer = try Trainer(
            model, plan: plan, from: Trainer.Progress(parameters: start), examples: batch, batch: { _ in made })
        _ = try trainer.advance()
        var times: [Double] = []
        for _ in 0..<steps {
            let began = ContinuousClock.now
            _ = try trainer.advance()
            times.append((ContinuousClock.now - began) / .milliseconds(1))
        }
        times.sort()
        let line = Line(
            head: head.rawValue, width: width, frames: frames, batch: batch, layers: layers, threads: threads,
            msPerStep: times[times.count / 2], fastest: times[0], slowest: times[times.count - 1])
        if json { return try Terminal.say(json: line) }
        Terminal.say(
            String(
                format: "\(head.rawValue): %.1f ms a step (%.1f to %.1f)", line.msPerStep, line.fastest, line.slowest))
    }
}
