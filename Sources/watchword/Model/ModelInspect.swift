import ArgumentParser
import CLIP
import CommandSupport
import Foundation
import Heads
import WatchwordConfiguration

extension Model {
    struct Inspect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What a model holds, and what is missing (then the exit code is 65).",
            aliases: ["show", "get", "info"])
        @Argument(help: "A model directory, a checkpoint file or the name of a model.")
        var model: String = Installation.model.path
        @OptionGroup var models: ModelsOptions
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await Exit.guarding {
                let inspection = try ModelInspection(models.installed.resolve(model))
                let description = try ModelDescription(inspection, finder: .standard())
                if json {
                    try Terminal.say(json: description)
                } else {
                    Terminal.table(["WHAT", "VALUE"], description.rows)
                    if !description.problems.isEmpty {
                        Terminal.say("")
                        Terminal.table(["FILE", "MISSING OR WRONG"], description.missing)
                    }
                }
                if let sentence = description.sentence { throw ModelError(description.path, sentence) }
            }
        }
    }
}
