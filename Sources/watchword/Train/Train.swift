import ArgumentParser
import Checkpoints
import CLIP
import Commands
import Concurrency
import Evaluation
import Foundation
import Synchronization
import Tensors
import Training

struct Train: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a head or whole model, on clips of one's own or on the shapes world.",
        subcommands: [TrainClips.self, TrainTowers.self, TrainHeads.self], defaultSubcommand: TrainClips.self)
}

struct TrainClips: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clips", abstract: "Train a temporal head, and the towers if wanted, on clips of one's own.",
        discussion: """
            Clips are decoded once; their embeddings, or with --learn all their pictures, are kept in the cache. The result \
            is a model directory with the trained head as its default. A head that the model has is trained on; --fresh \
            begins anew. A training that was interrupted goes on with --resume, to the same weights.
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var data: DataOptions
    @OptionGroup var options: TrainOptions
    @Option(help: "The temporal head: mean, lstm, transformer or tight.")
    var head: HeadKind
    @Option(help: "What is learnt: the head, the head and the text tower (text), or both towers too (all).")
    var learn = Learnt.head
    @Option(help: "How frames become patches, with --learn all: 2d, or 3d; by default as the model has it.")
    var patches: PatchKind?
    @Option(help: "A manifest of clips to measure R@1 on after every epoch; the best epoch is then kept.")
    var validation: String?
    @Option(name: .shortAndLong, help: "The directory of the trained model.")
    var output: String
    @Option(help: "Where the state of the training is kept; by default beside the output.")
    var checkpoint: String?
    @Option(parsing: .unconditional, help: "Threads of matrix products; by default one for each core.")
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
        if head == .mean, learn == .head {
            throw ValidationError("the mean head has nothing to learn: --learn text or all")
        }
        if patches != nil, learn != .all { throw ValidationError("--patches belongs to --learn all") }
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
            let setup = try TrainingSetup(
                directory, head: head, learn: learn, patches: patches, fresh: fresh, frames: embedding.frames, options)
            let pictures = learn == .all ? try PictureCache(folder: cache, model: directory) : nil
            let pairs = try await TrainingData(
                wanted, embedding, learns: learn, maxWords: data.maxWords, pictures: pictures)
            var heldOut: TrainingData?
            if let held {
                heldOut = try await TrainingData(
                    held, embedding, learns: learn, maxWords: data.maxWords, pictures: pictures)
            }
            let file = checkpoint.map { URL(filePath: $0) } ?? place.appendingPathExtension("training")
            // Whatever cannot be written later is said now.
            try StagedDirectory.makeDirectory(file.deletingLastPathComponent())
            let session = TrainingSession(
                model: setup.model, plan: options.plan, pairs: pairs, heldOut: heldOut, checkpoint: file, json: json)
            GeneralProduct.useThreads(threads ?? ProcessInfo.processInfo.activeProcessorCount)
            let result = try await StopSign.interruptible { stop in
                try session.run(from: setup.start, resume: resume, stop: stop)
            }
            guard let result else {
                Terminal.complain("interrupted; \(file.path) has the state, and --resume goes on")
                throw Exit.interrupted
            }
            try TrainedModel(
                source: directory, heads: [head], layout: setup.model.layout, parameters: result.parameters
            )
            .write(to: place, replacing: force, extras: result.files)
            session.removeFiles()
            if !json { Terminal.say("\(output): \(head.rawValue) head, trained on \(pairs.set.items.count) pairs") }
        }
    }

    /// Where embeddings are kept when nothing else is said.
    private static var standardCache: String {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
        return home + "/watchword/embeddings"
    }
}

/// Says that a training is to stop.
final class StopSign: Sendable {
    private let raised = Atomic(false)
    var isRaised: Bool { raised.load(ordering: .relaxed) }
    func raise() { raised.store(true, ordering: .relaxed) }

    /// Runs work on a thread of its own; the first interrupt asks it to stop.
    static func interruptible<T: Sendable>(
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
