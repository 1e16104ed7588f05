import ArgumentParser
import CommandSupport
import WireFormat

extension Stream {
    struct Reset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a stream back to what the configuration says.",
            discussion: "What was given of it by stream add is forgotten.")
        @Argument(help: "Its name.") var name: String
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("stream.reset", .object(["name": .string(name)]))
                if daemon.json { return try Terminal.say(json: result) }
                Terminal.say(
                    result["change"] == .string("unchanged") ? "\(name) goes on as it was" : "reset \(name)")
            }
        }
    }
}
