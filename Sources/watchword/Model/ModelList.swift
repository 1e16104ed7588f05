import ArgumentParser
import CLIP
import CommandSupport
import Foundation
import WatchwordConfiguration

extension Model {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The models that are kept by name, and the bundled one.",
            discussion: "Where a command takes a model, a name from this list will do.", aliases: ["ls"])
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
                    // The tokenizer, too: without it a model opens and cannot be used.
                    let model = try ModelDirectory(url)
                    _ = try model.tokenizer()
                    (architecture, heads, problem) = (model.architecture.name, model.headsWithWeights, nil)
                } catch {
                    (architecture, heads, problem) = (nil, [], "\(error)")
                }
            }

            /// Bytes of all files below.
            private static func size(of folder: URL) -> Int {
                let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.fileSizeKey])
                var sum = 0
                while let file = files?.nextObject() as? URL {
                    sum += (try? file.resourceValues(forKeys: [.fileSizeKey]))?.fileSize ?? 0
                }
                return sum
            }
        }

        func run() async throws {
            let installed = models.installed
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
    }
}
