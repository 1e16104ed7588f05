import ArgumentParser
import CommandSupport
import WatchwordConfiguration
import WireFormat

extension Query {
    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Score a query on each stream's newest window, without making it a standing query.")
        @Argument(help: "The event, described in words; may be left out if there are pictures.") var words: String?
        @Option(
            name: .long, parsing: .unconditional,
            help: "The same, for a text that begins with a hyphen.") var text: String?
        @OptionGroup(title: "What is matched") var query: QueryOptions
        @OptionGroup var daemon: DaemonOptions

        func validate() throws { try Query.refuseBoth(words, text) }

        func run() async throws {
            try await Exit.guarding {
                var keys = try query.given()
                keys["text"] = (words ?? text).map { .string($0) }
                let query = try QueryConfiguration(json: .object(keys))
                try Explanations.say(daemon.ask("query.test", JSONValue(encoding: query), timeout: 120), daemon)
            }
        }
    }
}
