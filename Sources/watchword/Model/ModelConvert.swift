import ArgumentParser
import CLIP
import CommandSupport
import Foundation
import WatchwordConfiguration

extension Model {
    struct Convert: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a model in Hugging Face's layout, its heads and Watchword's defaults beside it.",
            discussion: "Numbers keep their values and element types. The destination appears whole or not at all.")
        @Argument(help: "A model directory, a checkpoint file or the name of a model.") var source: String
        @Argument(help: "The directory to write.") var destination: String
        @Flag(help: "Replace a model that is there.") var force = false
        @OptionGroup var models: ModelsOptions
        @Flag(help: "Print JSON.") var json = false

        private struct Report: Encodable {
            struct File: Encodable {
                let name: String
                let bytes: Int
            }
            let source, destination, default_head: String
            let files: [File]
            let left_out, notes: [String]
        }

        func run() async throws {
            try await Exit.guarding {
                let model = try ModelDirectory(models.installed.resolve(source))
                let result = try ModelConversion.convert(model, to: URL(filePath: destination), replacing: force)
                if json {
                    return try Terminal.say(
                        json: Report(
                            source: source, destination: destination, default_head: result.head,
                            files: result.files.map { Report.File(name: $0.name, bytes: $0.bytes) },
                            left_out: result.leftOut, notes: result.notes))
                }
                Terminal.table(["FILE", "BYTES"], result.files.map { [$0.name, "\($0.bytes)"] })
                Terminal.say("Default head: \(result.head).")
                if !result.leftOut.isEmpty {
                    Terminal.complain("left out, of neither tower nor head: \(result.leftOut.joined(separator: ", "))")
                }
                for note in result.notes { Terminal.complain(note) }
            }
        }
    }
}
