import ArgumentParser
import CommandSupport
import WireFormat

extension Stream {
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a stream; its open events end.", aliases: ["rm", "delete", "del"])
        @Argument(help: "Its name.") var name: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("stream.remove", .object(["name": .string(name)]))
                if daemon.json { try Terminal.say(json: result) } else { Terminal.say("removed \(name)") }
            }
        }
    }
}
