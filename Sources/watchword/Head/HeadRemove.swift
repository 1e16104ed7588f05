import ArgumentParser
import CommandSupport
import Heads

extension Head {
    /// `watchword head remove`: prints the shell command that removes a head's file, but removes nothing.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say how a head plugin is removed.", shouldDisplay: false, aliases: ["rm", "delete", "del"])
        @Argument(help: "Its name.") var name: String

        func run() async throws {
            try await Exit.guarding {
                let path = try HeadFinder.standard().file(name).path
                throw Advice(description: "a head is a file, and is removed as one: rm '\(path)'")
            }
        }
    }
}
