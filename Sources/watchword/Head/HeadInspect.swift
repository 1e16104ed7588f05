import ArgumentParser
import CommandSupport
import Commands
import Heads

extension Head {
    struct Inspect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one head plugin.", aliases: ["show", "get", "info"])
        @Argument(help: "Its name.") var name: String
        @Flag(help: "Print JSON (it always is).") var json = false

        func run() async throws {
            try await Exit.guarding {
                let finder = HeadFinder.standard()
                let found = await HeadInspector(finder: finder).inspect(try finder.file(name))
                if let problem = found.problem {
                    Terminal.complain(problem)
                    throw Exit.badConfiguration
                }
                try Terminal.say(json: found)
            }
        }
    }
}
