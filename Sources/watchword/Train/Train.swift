import ArgumentParser
import CLIP
import Checkpoints
import Evaluation
import Foundation
import Synchronization
import Tensors
import Training
import Watchtower

struct Train: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a temporal head, and the text tower if wanted, on clips of one's own.",
        discussion: """
            Clips are embedded once, by the model's image tower, and kept in the cache. The result is a model directory with \
            the trained head as its default. A head that the model has is trained on; --fresh begins anew. A training that \
            was interrupted goes on with --resume, to the same weights.
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var data: DataOptions
    @OptionGroup var options: TrainOptions
    @Option(help: "The temporal head: mean, lstm, transformer or tight.")
    var head: HeadKind
    @Option(help: "What is learnt: the head, or head and text.")
    var learn = Learnt.head
    @Option(help: "A manifest of clips to measure R@1 on after every epoch; the best epoch is then kept.")
    var validation: String?
    @Option(name: .shortAndLong, help: "The directory of the trained model.")
    var output: String
    @Option(help: "Where the state of the training is kept; by default beside the output.")
    var checkpoint: String?
    @Option(help: "Threads of matrix products; by default one for each core.")
    var threads: Int?
    @Flag(help: "Begin with a new head, whatever the model has.")
    var fresh = false
    @Flag(help: "Go on with a training that was interrupted.")
    var resume = false
    @Flag(help: "Replace a model that is there.")
    var force = false
    @Flag(help: "Print one JSON object an epoch.")
    var json = false

    func validate() throws {
        if head == .mean, learn == .head { throw ValidationError("the mean head has nothing to learn: --learn text") }
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be 1 to 1024") }
    }

    func run() async throws {
        try await Exit.guarding {
            let place = URL(filePath: output).standardizedFileURL
            try StagedDirectory.check(place, replacing: force)
            let directory = try model.directory()
            let wanted = try data.read()
            let held = try validation.map { try Manifest.read(URL(filePath: $0)) }
            let embedder = try ClipEmbedder(model: directory, precision: model.precision)
            let cache = data.cache ?? Self.standardCache
            let embedding = try ClipEmbedding(data, embedder, cache: cache)
            let learnsText = learn == .text
            let pairs = try await TrainingData(
                wanted, embedding, learnsText: learnsText, maxWords: data.maxWords)
            var heldOut: TrainingData?
            if let held {
                heldOut = try await TrainingData(held, embedding, learnsText: learnsText, maxWords: data.maxWords)
            }
            let (shape, trained, start) = try prepare(directory, frames: embedding.frames)
            let file = checkpoint.map { URL(filePath: $0) } ?? place.appendingPathExtension("training")
            // Whatever cannot be written later is said now.
            try StagedDirectory.makeDirectory(file.deletingLastPathComponent())
            let session = TrainingSession(
                model: trained, plan: options.plan, pairs: pairs, heldOut: heldOut, checkpoint: file, json: json)
            GeneralProduct.useThreads(threads ?? ProcessInfo.processInfo.activeProcessorCount)
            let result = try await interruptible { stop in
                try session.run(from: start, resume: resume, stop: stop)
            }
            guard let result else {
                Terminal.complain("interrupted; \(file.path) has the state, and --resume goes on")
                throw ExitCode(130)
            }
            try TrainedModel(source: directory, head: shape, layout: trained.layout, parameters: result.parameters)
                .write(to: place, replacing: force, extras: result.files)
            try? FileManager.default.removeItem(at: file)
            if !json { Terminal.say("\(output): \(head.rawValue) head, trained on \(pairs.set.items.count) pairs") }
        }
    }

    /// Where embeddings are kept when nothing else is said.
    private static var standardCache: String {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
        return home + "/watchword/embeddings"
    }

    /// The head's sizes, the model that is trained, and its first parameters.
    private func prepare(_ directory: ModelDirectory, frames: Int) throws -> (HeadShape, TrainingModel, [Float]) {
        let architecture = directory.architecture
        guard learn == .head || architecture.text.activation == .quickGELU else {
            throw ModelError(directory.url.path, "its text tower has GELU, and only QuickGELU can be trained")
        }
        var stored = fresh ? [:] : try directory.headTensors(head.rawValue)
        let file = directory.url.appending(path: "heads/\(head.rawValue).safetensors")
        if !stored.isEmpty, let own = try? SafetensorsFile(path: file.path), own.has("clip.logit_scale") {
            stored["clip.logit_scale"] = HeadWeights(shape: [], values: try own.floats("clip.logit_scale"))
        }
        let positions = stored.first { $0.key.hasSuffix("position_embeddings.weight") }?.value.shape.first
        let shape = HeadShape(
            kind: head,
            stack: StackShape(
                width: architecture.embedding,
                heads: directory.defaults.attentionHeads[head.rawValue] ?? max(1, architecture.embedding / 64),
                layers: layers(stored.keys) ?? options.layers, epsilon: 1e-12),
            positions: positions ?? architecture.text.context)
        let needed = frames + (head == .tight ? 1 : 0)
        guard head == .mean || head == .lstm || needed <= shape.positions else {
            throw TrainingError("the head has \(shape.positions) positions, and windows of \(frames) need \(needed)")
        }
        let text = architecture.text
        let texts = TextShape(
            stack: StackShape(
                width: text.width, heads: text.heads, layers: text.layers, epsilon: Double(text.epsilon)),
            context: text.context, vocabulary: text.vocabulary, embedding: architecture.embedding)
        let model = TrainingModel(head: shape, texts: learn == .text ? texts : nil)
        let start = try Initialisation.parameters(
            model.layout, stored: MemoryTensors(stored, origin: file.path), clip: directory.tensors,
            seed: options.seed)
        return (shape, model, start)
    }

    /// Blocks that a head has; nil if it has none.
    private func layers(_ names: some Sequence<String>) -> Int? {
        let numbers = names.compactMap { name -> Int? in
            guard let range = name.range(of: "resblocks.") else { return nil }
            return Int(name[range.upperBound...].prefix { $0 != "." })
        }
        return numbers.max().map { $0 + 1 }
    }

    /// Runs work on a thread of its own; the first interrupt asks it to stop.
    private func interruptible<T: Sendable>(
        _ work: @escaping @Sendable (StopSign) throws -> T
    ) async throws -> T {
        let sign = StopSign()
        signal(SIGINT, SIG_IGN)
        signal(SIGTERM, SIG_IGN)
        let sources = [SIGINT, SIGTERM].map { number in
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { sign.raise() }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        return try await offPool { Result { try work(sign) } }.get()
    }
}

/// Says that a training is to stop.
final class StopSign: Sendable {
    private let raised = Atomic(false)
    var isRaised: Bool { raised.load(ordering: .relaxed) }
    func raise() { raised.store(true, ordering: .relaxed) }
}
