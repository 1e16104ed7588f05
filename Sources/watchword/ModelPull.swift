import ArgumentParser
import CLIP
import Foundation
import Hub
import Synchronization

extension Model {
    struct Pull: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Download a model from Hugging Face, or a hub that answers as it does.",
            discussion: """
                HF_ENDPOINT names the hub (https://huggingface.co), HF_TOKEN the token for models that need one. What is cut \
                off, by Ctrl-C too, goes on with the next pull. The model appears when all of it is there and checked.
                """, aliases: ["download", "fetch", "add"])
        @Argument(help: "owner/name, such as openai/clip-vit-base-patch32.") var name: String
        @Option(help: "A branch, tag or commit.") var revision = "main"
        @OptionGroup var models: ModelsOptions
        @Flag(help: "Replace the model if it is there.") var force = false
        @Flag(help: "Print JSON: one object, at the end.") var json = false

        private struct Report: Encodable {
            let name, revision, path: String
            let pulled: Bool
            let bytes: Int
            let files: [ModelPull.File]
        }

        func run() async throws {
            try await Exit.guarding {
                let model = try ModelName(name)
                let revision = try Revision(revision)
                let endpoint = try HubEndpoint.standard(ProcessInfo.processInfo.environment)
                let destination = models.installed.directory.appending(path: model.name)
                if !force, FileManager.default.fileExists(atPath: destination.path) {
                    try report([], at: destination, pulled: false)
                    return
                }
                let line = ProgressLine()
                let files: [ModelPull.File]
                do {
                    files = try await ModelPull(model, revision: revision, from: endpoint)
                        .run(into: destination, replacing: force) { line.show($0) }
                } catch {
                    line.end()
                    throw error
                }
                line.end()
                try report(files, at: destination, pulled: true)
                // What does not come from a hub may still be missing: a plugin, or a vocabulary.
                for problem in try ModelInspection(destination).problems { Terminal.complain(problem) }
            }
        }

        private func report(_ files: [ModelPull.File], at place: URL, pulled: Bool) throws {
            let bytes = files.reduce(0) { $0 + $1.bytes }
            if json {
                return try Terminal.say(
                    json: Report(
                        name: name, revision: revision, path: place.path, pulled: pulled, bytes: bytes, files: files))
            }
            Terminal.say(
                pulled
                    ? "\(name): \(files.count) files, \(bytes.formatted(.byteCount(style: .file))), in \(place.path)"
                    : "\(name) is there already, in \(place.path); --force replaces it")
        }
    }
}

/// How far a pull is: one line, on a terminal; failures that pass are said everywhere.
private final class ProgressLine: Sendable {
    private let shown = Mutex<ContinuousClock.Instant?>(nil)

    func show(_ progress: ModelPull.Progress) {
        switch progress {
        case .waiting(let why, let seconds):
            Terminal.progress("")
            Terminal.complain("\(why); again in \(String(format: "%.1f", seconds)) s")
        case .bytes(let bytes, let all, let file):
            guard Terminal.isInteractive, isDue else { return }
            let share = all > 0 ? min(1, Double(bytes) / Double(all)) : 0
            let filled = Int(share * 30)
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
            let amount = [bytes, all].map { $0.formatted(.byteCount(style: .file)) }.joined(separator: " of ")
            Terminal.progress("\(bar) \(String(format: "%3.0f", share * 100)) %  \(amount)  \(file)")
        }
    }

    func end() { Terminal.progress("") }

    /// Ten times a second are enough for a person.
    private var isDue: Bool {
        shown.withLock { last in
            let now = ContinuousClock.now
            if let last, last.duration(to: now) < .milliseconds(100) { return false }
            last = now
            return true
        }
    }
}
