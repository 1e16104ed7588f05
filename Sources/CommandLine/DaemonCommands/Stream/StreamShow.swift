import ArgumentParser
import CommandSupport
import WireFormat

extension Stream {
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one stream: its state, its source, and all of its counters.",
            aliases: ["get", "inspect", "info"])
        @Argument(help: "Its name.") var name: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let stream = try daemon.ask("stream.get", .object(["name": .string(name)]))
                if daemon.json { return try Terminal.say(json: stream) }
                Page.say(stream, first: ["name", "state", "reason", "since", "uri"])
            }
        }
    }
}
