import ArgumentParser
import CLIP
import Checkpoints
import CommandSupport
import Evaluation
import EvaluationRuns
import Foundation
import Training
import TrainingRuns

/// `watchword train clips`: trains a head, and optionally CLIP's towers, on the user's own clips.
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
    var learn = LearntParts.head
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
            let destination = URL(filePath: output).standardizedFileURL
            try StagedDirectory.check(destination, replacing: force)
            let directory = try model.directory()
            let wanted = try data.read()
            let heldOut = try validation.map { try Manifest.read(URL(filePath: $0)) }
            let cache = data.cache ?? Self.standardCache
            let embedding = try data.embedding(
                ClipEmbedder(model: directory, precision: model.precision), cache: cache)
            let settings = ClipsTraining.Settings(
                head: head, learn: learn, patches: patches, fresh: fresh, layers: options.layers, plan: options.plan,
                maxWords: data.maxWords, cache: cache,
                checkpoint: checkpoint.map { URL(filePath: $0) } ?? destination.appendingPathExtension("training"),
                threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
            let training = try await ClipsTraining(
                settings, embedding, pairs: wanted, heldOut: heldOut, Terminal.reporter)
            let (lines, epochs) = (TrainingLines(json: json), options.epochs)
            try await runInterruptibly(checkpoint: settings.checkpoint) { [force, resume] stop in
                try training.run(to: destination, replacing: force, resume: resume, stop: stop) {
                    try lines.say($0, epochs: epochs)
                }
            }
            if !json { Terminal.say("\(output): \(head.rawValue) head, trained on \(training.pairs) pairs") }
        }
    }

    /// The folder that caches embeddings if `--cache` is not given.
    private static var standardCache: String {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
        return home + "/watchword/embeddings"
    }
}
