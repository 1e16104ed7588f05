import ArgumentParser
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

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Watch for a query again.")
        @Argument(help: "Its id.") var id: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding { try Query.change(id, ["enabled": .bool(true)], "enabled", daemon) }
        }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep a query, and do not watch for it; its open events end.")
        @Argument(help: "Its id.") var id: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding { try Query.change(id, ["enabled": .bool(false)], "disabled", daemon) }
        }
    }

    private static func change(
        _ id: String, _ keys: [String: JSONValue], _ word: String, _ daemon: DaemonOptions
    ) throws {
        let arguments = JSONValue.object(keys.merging(["id": .string(id)]) { $1 })
        try told(daemon.ask("query.update", arguments, timeout: 120), word, daemon)
    }
}
