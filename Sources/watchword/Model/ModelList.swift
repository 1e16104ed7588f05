import ArgumentParser
import CLIP
import CommandSupport
import Foundation
import Hub
import WatchwordConfiguration

extension Model {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The models that are kept by name, and the bundled one.",
            discussion: "Where a command takes a model, a name from this list will do.", aliases: ["ls"])
        @Flag(help: "The models that `model pull` knows by a short name instead, whether they are here or not.")
        var available = false
        @OptionGroup var models: ModelsOptions
        @Flag(help: "Print JSON.") var json = false

        private struct Description: Encodable {
            let name, path: String
            let architecture: String?
            let bytes: Int
            let heads: [String]
            let problem: String?

            init(_ name: String, _ url: URL) {
                self.name = name
                path = url.path
                bytes = Self.size(of: url)
                do {
                    // The tokenizer is read, too, since a model without it opens but cannot be used.
                    let model = try ModelDirectory(url)
                    _ = try model.tokenizer()
                    (architecture, heads, problem) = (model.architecture.name, model.headsWithWeights, nil)
                } catch {
                    (architecture, heads, problem) = (nil, [], "\(error)")
                }
            }

            /// Returns the size of all files below a folder, in bytes.
            private static func size(of folder: URL) -> Int {
                let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.fileSizeKey])
                var sum = 0
                while let file = files?.nextObject() as? URL {
                    sum += (try? file.resourceValues(forKeys: [.fileSizeKey]))?.fileSize ?? 0
                }
                return sum
            }
        }

        private struct Available: Encodable {
            let name, repository, family: String
            let licence: String?
            let bytes: Int
            let accuracy: [KnownModel.Accuracy]
            /// The path of the model's directory; nil if it has not been downloaded.
            let path: String?

            init(_ known: KnownModel, _ installed: InstalledModels) {
                (name, repository, family) = (known.name, known.repository, known.family)
                (licence, bytes, accuracy) = (known.licence, known.bytes, known.accuracy)
                path = installed.all.first { $0.name == known.name }?.url.path
            }
        }

        func run() async throws {
            let installed = models.installed
            if available { return try sayAvailable(installed) }
            var found = installed.all.map { Description($0.name, $0.url) }
            if let bundled = installed.bundled, FileManager.default.fileExists(atPath: bundled.path) {
                found.append(Description(InstalledModels.name(ofBundled: bundled), bundled))
            }
            if json { return try Terminal.say(json: found) }
            Terminal.table(
                ["NAME", "ARCHITECTURE", "SIZE", "HEADS"],
                found.map {
                    [
                        $0.name, $0.problem ?? $0.architecture ?? "",
                        $0.bytes.formatted(.byteCount(style: .file)), (["mean"] + $0.heads).joined(separator: ", "),
                    ]
                })
        }

        private func sayAvailable(_ installed: InstalledModels) throws {
            let found = KnownModel.all.map { Available($0, installed) }
            if json { return try Terminal.say(json: found) }
            Terminal.table(
                ["NAME", "MODEL", "LICENCE", "SIZE", "PUBLISHED ACCURACY", "HERE"],
                found.map { model in
                    [
                        model.name, model.family, model.licence ?? "none is stated",
                        model.bytes.formatted(.byteCount(style: .file)),
                        model.accuracy.map { "\($0.benchmark) \($0.value) %" }.joined(separator: "; "),
                        model.path == nil ? "" : "yes",
                    ]
                })
            for model in found {
                let sources = Set(model.accuracy.map(\.source)).sorted().joined(separator: "; ")
                Terminal.say("\(model.name): \(model.repository); accuracy by \(sources)")
            }
        }
    }
}
