import ArgumentParser
import CommandSupport
import WatchwordConfiguration
import WireFormat

extension Query {
    struct Edit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change a standing query while it is watched; what is not given stays as it is.",
            aliases: ["update", "set", "change"])
        @Argument(help: "Its id.") var id: String
        @Option(parsing: .unconditional, help: "The event, described in words.") var text: String?
        @OptionGroup(title: "What is changed") var query: QueryOptions
        @Option(name: .long, help: "A key to take back to its default, as in cooldown.") var clear: [String] = []
        @OptionGroup var daemon: DaemonOptions

        func validate() throws {
            for key in clear where !QueryConfiguration.keys.contains(key) || key == "id" {
                throw ValidationError(
                    "--clear takes one of \(QueryConfiguration.keys.dropFirst().joined(separator: ", "))")
            }
        }

        func run() async throws {
            try await Exit.guarding {
                var keys = try query.given()
                keys["text"] = text.map { .string($0) }
                for key in clear where keys[key] == nil { keys[key] = .null }
                guard !keys.isEmpty else { throw ValidationError("nothing is changed; give at least one option") }
                try Query.change(id, keys, "changed", daemon)
            }
        }
    }
}
