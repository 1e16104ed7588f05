import ArgumentParser
import CommandSupport
import Foundation
import WatchwordConfiguration

extension Model {
    /// `watchword model remove`: prints the shell command that removes a model's directory, but removes nothing.
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
