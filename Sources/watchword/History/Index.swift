import ArgumentParser
import CLIP
import CommandSupport
import Commands
import Engine
import Foundation
import Heads
import History
import Ingest
import Segments
import StreamSources
import WatchwordConfiguration

struct Index: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Embed films into a history, in which `search` finds moments.",
        discussion: """
            A film that is in the history is not read again, unless it, the model or the sampling has changed; so a run that \
            was broken off goes on with the film that it was at. A film that cannot be read is named, and the others go on.
            """)

    @Argument(help: "Films.")
    var files: [String]
    @Option(help: "The history's directory; it is made if it is not there.")
    var history: String
    @OptionGroup var model: ModelOptions
    @Option(parsing: .unconditional, help: "Sampled frames a second.")
    var fps: Double?
    @Option(parsing: .unconditional, help: "Frames in a window.")
    var frames: Int?
    @Flag(help: "Print JSON, one object a film.")
    var json = false

    func validate() throws {
        if let fps, !(fps > 0 && fps <= 1000) { throw ValidationError("--fps must be above 0") }
        if let frames, !(1...SegmentHeader.longestWindow ~= frames) {
            throw ValidationError("--frames must be 1 to \(SegmentHeader.longestWindow)")
        }
    }

    func run() async throws {
        try await Exit.guarding {
            let directory = try model.directory()
            guard directory.architecture.vision.linearPatch == .planar else {
                throw HistoryRefusal("embeddings of a model with 3D patches depend on the window: it has no history")
            }
            let engine = try ScoringEngine(model: directory, finder: .standard(), precision: model.precision)
            let folder = HistoryFolder(history)
            let lock = try folder.lock()
            let indexer = FilmIndexer(
                engine: engine, defaults: Defaults(model: directory, finder: .standard(), frames: frames, fps: fps),
                folder: folder, templates: try PipelineTemplates(directory: Installation.pipelines))
            let outcomes = try await index(indexer)
            withExtendedLifetime(lock) {}
            let failed = outcomes.filter { $0.status == .failed }
            if !json { sum(outcomes) }
            if failed.contains(where: \.isBadData) { throw Exit.badData }
            if !failed.isEmpty { throw Exit.noInput }
        }
    }

    private func index(_ indexer: FilmIndexer) async throws -> [FilmIndexer.Outcome] {
        var outcomes: [FilmIndexer.Outcome] = []
        for (place, path) in files.enumerated() {
            let name = URL(filePath: path).lastPathComponent
            let began = ContinuousClock.now
            let outcome = try await indexer.index(path) { frames, seconds in
                let speed = Double(frames) / max(0.001, (.now - began) / .seconds(1))
                Terminal.progress(
                    "\(place + 1)/\(files.count) \(name): \(String(format: "%.0f", seconds)) s of film, "
                        + "\(String(format: "%.0f", speed)) frames a second")
            }
            Terminal.progress("")
            if json { try Terminal.say(json: outcome) }
            if let error = outcome.error {
                Terminal.complain(error.hasPrefix(outcome.file) ? error : "\(path): \(error)")
            }
            outcomes.append(outcome)
        }
        return outcomes
    }

    private func sum(_ outcomes: [FilmIndexer.Outcome]) {
        func count(_ status: FilmIndexer.Outcome.Status) -> Int { outcomes.count { $0.status == status } }
        Terminal.say(
            "\(count(.indexed)) films indexed (\(outcomes.reduce(0) { $0 + $1.frames }) frames), "
                + "\(count(.known)) known already, \(count(.failed)) failed")
    }
}
