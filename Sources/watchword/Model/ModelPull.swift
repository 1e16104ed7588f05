import ArgumentParser
import CLIP
import CommandSupport
import Foundation
import Hub
import WatchwordConfiguration

extension Model {
    struct Pull: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Download a model from Hugging Face, or a hub that answers as it does.",
            discussion: """
                HF_ENDPOINT names the hub (https://huggingface.co), HF_TOKEN the token for models that need one. What is cut \
                off, by Ctrl-C too, goes on with the next pull. The model appears when all of it is there and checked.
                """, aliases: ["download", "fetch", "add"])
        @Argument(help: "A name of `model list --available`, or owner/name, such as openai/clip-vit-base-patch32.")
        var name: String
        @Option(help: "A branch, tag or commit.") var revision = "main"
        @OptionGroup var models: ModelsOptions
        @Flag(help: "Replace the model if it is there.") var force = false
        @Flag(help: "Print JSON: one object, at the end.") var json = false

        private struct Report: Encodable {
            let name, repository, revision, path: String
            let pulled: Bool
            let bytes: Int
            let files: [ModelPull.File]
        }

        func run() async throws {
            try await Exit.guarding {
                // A model that has a short name is stored under that name.
                let known = KnownModel.named(name)
                let model = try known?.model ?? ModelName(name)
                let revision = try Revision(revision)
                let endpoint = try HubEndpoint.standard(ProcessInfo.processInfo.environment)
                let destination = models.installed.directory.appending(path: known?.name ?? model.name)
                if !force, FileManager.default.fileExists(atPath: destination.path) {
                    try report([], at: destination, pulled: false)
                    return
                }
                let line = PullProgress()
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
                // Some files do not come from a hub, such as plugins or a vocabulary, and may still be missing.
                for problem in try ModelInspection(destination).problems { Terminal.complain(problem) }
            }
        }

        private func report(_ files: [ModelPull.File], at place: URL, pulled: Bool) throws {
            let bytes = files.reduce(0) { $0 + $1.bytes }
            if json {
                return try Terminal.say(
                    json: Report(
                        name: name, repository: KnownModel.named(name)?.repository ?? name, revision: revision,
                        path: place.path, pulled: pulled, bytes: bytes, files: files))
            }
            Terminal.say(
                pulled
                    ? "\(name): \(files.count) files, \(bytes.formatted(.byteCount(style: .file))), in \(place.path)"
                    : "\(name) is there already, in \(place.path); --force replaces it")
        }
    }
}
