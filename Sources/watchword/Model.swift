import ArgumentParser
import Foundation

struct Model: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Model directories.",
        subcommands: [Convert.self, Inspect.self, List.self, Pull.self, Remove.self], aliases: ["models"])

    /// Removes nothing: says where the directory is.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say how a model is removed.", shouldDisplay: false, aliases: ["rm", "delete", "del"])
        @Argument(help: "Its name.") var name: String
        @OptionGroup var models: ModelsOptions

        func run() async throws {
            try await Exit.guarding {
                let path = try models.installed.resolve(name).path
                throw Advice(description: "a model is a directory, and is removed as one: rm -r '\(path)'")
            }
        }
    }
}

/// A command that is another program's: what to do instead.
struct Advice: Error, CustomStringConvertible { let description: String }
