import ArgumentParser
import CommandSupport
import WireFormat

extension Query {
    struct Reset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a standing query back to what the configuration says.",
            discussion: "What was changed of it by query edit, disable, add or import is forgotten.")
        @Argument(help: "Its id.") var id: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("query.reset", .object(["id": .string(id)]), timeout: 120)
                try Query.sayChanged(
                    result, result["change"] == .string("unchanged") ? "unchanged" : "reset", daemon)
            }
        }
    }
}
