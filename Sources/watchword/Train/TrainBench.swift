import ArgumentParser
import Foundation
import Tensors
import Training

/// `watchword bench training`: a step of a head on embeddings, or of both towers; forward, backward and update.
struct TrainBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "training",
        abstract: "Time training steps of a head on random embeddings, or of towers on random pictures.")

    @Option(help: "lstm, transformer or tight.")
    var head = HeadKind.transformer
    @Option(parsing: .unconditional, help: "Width of the embeddings.")
    var width = 512
    @Option(parsing: .unconditional, help: "Frames of a window.")
    var frames = 12
    @Option(parsing: .unconditional, help: "Pairs of a step.")
    var batch = 128
    @Option(parsing: .unconditional, help: "Blocks of the transformer and tight heads.")
    var layers = 4
    @Option(parsing: .unconditional, help: "Steps that are timed, after one that is not.")
    var steps = 5
    @Option(parsing: .unconditional, help: "Threads of matrix products; by default one for each core.")
    var threads: Int?
    @Flag(help: "Train both towers of the bundled model's sizes, from pictures and tokens, with the mean head.")
    var towers = false
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
        var numbers = SystemRandomNumberGenerator()
        func random(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -1...1, using: &numbers) } }
        let width = towers ? 128 : width
        let shape = HeadShape(
            kind: towers ? .mean : head,
            stack: StackShape(width: width, heads: max(1, width / 64), layers: layers, epsilon: 1e-12),
            positions: frames + 1)
        let texts = TextShape(
            stack: StackShape(width: 128, heads: 2, layers: 3, epsilon: 1e-5), context: 32, vocabulary: 2514,
            embedding: 128)
        let images = ImageShape(
            stack: StackShape(width: 128, heads: 2, layers: 4, epsilon: 1e-5), patch: 8, side: 64, embedding: 128,
            spatiotemporal: false)
        let model =
            towers ? TrainingModel(head: shape, images: images, texts: texts) : TrainingModel(head: shape)
        let start = FreshTowers.parameters(model.layout, images: images, texts: texts, seed: 1)
        var plan = TrainingPlan()
        plan.epochs = steps + 1
        plan.batch = batch
        plan.dropout = 0
        let valid = [Int](repeating: frames, count: batch)
        let made: TrainingBatch<Float>
        if towers {
            let ids = (0..<batch).map { _ in (0..<11).map { _ in Int.random(in: 0..<2512, using: &numbers) } + [2513] }
            made = TrainingBatch(
                texts: .tokens(TokenBatch(ids, endToken: 2513)),
                frames: .pictures(random(batch * frames * 3 * 64 * 64)), valid: valid)
        } else {
            made = TrainingBatch(
                texts: .embeddings(random(batch * width)), frames: .embeddings(random(batch * frames * width)),
                valid: valid)
        }
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
            head: towers ? "towers" : head.rawValue, width: width, frames: frames, batch: batch, layers: layers,
            threads: threads,
            msPerStep: times[times.count / 2], fastest: times[0], slowest: times[times.count - 1])
        if json { return try Terminal.say(json: line) }
        Terminal.say(
            String(
                format: "\(line.head): %.1f ms a step (%.1f to %.1f)", line.msPerStep, line.fastest, line.slowest))
    }
}
