import ArgumentParser
import CommandSupport
import Foundation
import WireFormat

extension Query {
    struct Recalibrate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Move a learnt threshold to what the streams' background asks for by now; the change is recorded."
        )
        @Argument(help: "The query's id.") var id: String
        @Option(help: "Only on this stream.") var stream: String?
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                var arguments: [String: JSONValue] = ["id": .string(id)]
                if let stream { arguments["stream"] = .string(stream) }
                let result = try daemon.ask("query.recalibrate", .object(arguments))
                if daemon.json { return try Terminal.say(json: result) }
                let changes = result.array ?? []
                if changes.isEmpty { return Terminal.say("nothing to move: its threshold is not learnt, or not yet") }
                Terminal.table(
                    ["STREAM", "VERSION", "BEFORE", "NOW"],
                    changes.map { change in
                        [
                            change["stream"]?.string ?? "", "\(change["version"]?.integer ?? 0)",
                            change["previous"]?.double.map { String(format: "%.4f", $0) } ?? "-",
                            change["threshold"]?.double.map { String(format: "%.4f", $0) } ?? "-",
                        ]
                    })
            }
        }
    }
}
