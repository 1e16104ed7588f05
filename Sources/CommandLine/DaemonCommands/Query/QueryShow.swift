import ArgumentParser
import CommandSupport
import WatchwordConfiguration
import WireFormat

extension Query {
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one standing query: every setting, also those left to defaults.",
            aliases: ["get", "inspect", "info"])
        @Argument(help: "Its id.") var id: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let query = try daemon.ask("query.get", .object(["id": .string(id)]))
                if daemon.json { return try Terminal.say(json: query) }
                Page.say(query, first: QueryConfiguration.keys)
            }
        }
    }
}
