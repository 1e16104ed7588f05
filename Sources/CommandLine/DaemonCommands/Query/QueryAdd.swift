import ArgumentParser
import CommandSupport
import WatchwordConfiguration
import WireFormat

extension Query {
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a standing query.",
            discussion:
                "If a query of this id exists, an equal one changes nothing; another one is refused without --replace.",
            aliases: ["new", "create"])
        @Argument(help: "The event, described in words; may be left out if there are pictures.") var words: String?
        @Option(
            name: .long, parsing: .unconditional,
            help: "The same, for a text that begins with a hyphen.") var text: String?
        @Option(help: "Its id; made from the text, if left out.") var id: String?
        @Flag(help: "Take the place of the query of this id.") var replace = false
        @OptionGroup(title: "What is matched, and when") var query: QueryOptions
        @Flag(help: "Add it without watching for it yet.") var disabled = false
        @OptionGroup var daemon: DaemonOptions

        func validate() throws { try Query.refuseBoth(words, text) }

        func run() async throws {
            try await Exit.guarding {
                var keys = try query.given()
                keys["text"] = (words ?? text).map { .string($0) }
                keys["id"] = id.map { .string($0) }
                if disabled { keys["enabled"] = .bool(false) }
                let query = try QueryConfiguration(json: .object(keys))
                guard case .object(var arguments) = try JSONValue(encoding: query) else { return }
                if replace { arguments["replace"] = .bool(true) }
                let result = try daemon.ask("query.add", .object(arguments), timeout: 120)
                try Query.sayChanged(result, result["change"]?.string ?? "added", daemon)
            }
        }
    }
}
