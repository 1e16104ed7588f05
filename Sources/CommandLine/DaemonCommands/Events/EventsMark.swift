import ArgumentParser
import CommandSupport
import WireFormat

extension Events {
    struct Mark: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether an event was right or wrong; `query show` counts what was said.")
        enum Verdict: String, EnumerableFlag { case right, wrong, clear }
        @Argument(help: "The event's name, as `events` prints it with --json.") var event: String
        @Flag(help: "What is said of it; --clear takes it back.") var verdict: Verdict
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask(
                    "events.mark", .object(["event": .string(event), "verdict": .string(verdict.rawValue)]))
                if daemon.json { return try Terminal.say(json: result) }
                let (right, wrong) = (result["right"]?.integer ?? 0, result["wrong"]?.integer ?? 0)
                Terminal.say("\(result["query"]?.string ?? ""): \(right) right, \(wrong) wrong")
            }
        }
    }
}
