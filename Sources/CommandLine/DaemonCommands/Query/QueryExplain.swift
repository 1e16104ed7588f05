import ArgumentParser
import CommandSupport
import WireFormat

extension Query {
    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say why a query has an event now, or why not, on each stream it selects.")
        @Argument(help: "Its id.") var id: String
        @Option(help: "Only this stream, or stream/region, whether the query selects it or not.") var stream: String?
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                var arguments = ["id": JSONValue.string(id)]
                arguments["stream"] = stream.map { .string($0) }
                try Explanations.say(daemon.ask("query.explain", .object(arguments)), daemon)
            }
        }
    }
}
