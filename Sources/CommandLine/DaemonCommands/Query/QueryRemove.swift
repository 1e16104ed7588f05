import ArgumentParser
import CommandSupport
import WireFormat

extension Query {
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
}
