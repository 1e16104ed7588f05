import ArgumentParser
import ControlAPI
import Foundation
import WatchwordConfiguration
import WireFormat

struct Query: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Standing queries of the running daemon.",
        subcommands: [
            Add.self, Edit.self, Enable.self, Disable.self, List.self, Show.self, Remove.self, Import.self, Export.self,
            Reset.self, Explain.self, Recalibrate.self, Test.self,
        ], aliases: ["queries"])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a standing query.",
            discussion:
                "One that stands already, and is the same, goes on; another one of its id is kept, unless --replace.",
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
                try Query.told(result, result["change"]?.string ?? "added", daemon)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the standing queries.", aliases: ["ls"])
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("query.list", timeout: 120)
                if daemon.json { return try Terminal.say(json: result) }
                let queries = try result.decoded(as: [QueryDescription].self)
                if queries.isEmpty { return Terminal.say("no queries; `watchword query add TEXT` adds one") }
                Terminal.table(
                    ["ID", "HEAD", "RULE", "STREAMS", "STATE", "SOURCE", "TEXT"],
                    queries.map { query in
                        let pictures = query.pictureNames.joined(separator: ", ")
                        return [
                            query.id, query.head, query.ruleInWords, query.streams.joined(separator: ","),
                            query.isEnabled ? "enabled" : "disabled", query.source?.rawValue ?? "",
                            [query.text, pictures].filter { !$0.isEmpty }.joined(separator: " + "),
                        ]
                    })
            }
        }
    }

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

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a standing query; its open events end.", aliases: ["rm", "delete", "del"])
        @Argument(help: "Its id.") var id: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("query.remove", .object(["id": .string(id)]))
                if daemon.json { return try Terminal.say(json: result) }
                Terminal.say("removed \(id)")
                if result["returns"] == .bool(true) {
                    Terminal.complain(
                        "the configuration has \"\(id)\", too: it is there again when that is read again; "
                            + "take it out there, or disable it: watchword query disable \(id)")
                }
            }
        }
    }

    struct Reset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a standing query back to what the configuration says.",
            discussion: "What was changed of it by query edit, disable, add or import is forgotten.")
        @Argument(help: "Its id.") var id: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("query.reset", .object(["id": .string(id)]), timeout: 120)
                try Query.told(
                    result, result["change"] == .string("unchanged") ? "unchanged" : "reset", daemon)
            }
        }
    }

    static func refuseBoth(_ words: String?, _ text: String?) throws {
        guard words != nil, text != nil else { return }
        throw ValidationError("give the text once: alone, or with --text")
    }

    /// What the daemon says of a query that was added or changed.
    static func told(_ result: JSONValue, _ word: String, _ daemon: DaemonOptions) throws {
        if daemon.json { return try Terminal.say(json: result) }
        if result["truncated"] == .bool(true) {
            Terminal.complain("the text is longer than the model reads; the rest is ignored")
        }
        Terminal.say("\(word) \(result["query"]?["id"]?.string ?? "")")
    }
}
