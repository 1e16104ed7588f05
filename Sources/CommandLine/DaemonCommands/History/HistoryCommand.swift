package import ArgumentParser
import CommandSupport
import Daemon
import Foundation
import WireFormat

/// `watchword history`: shows and removes the embeddings and pictures that the daemon has recorded.
package struct HistoryCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "history", abstract: "What the daemon has kept of the past.",
        subcommands: [Status.self, Remove.self])

    package init() {}
}

extension HistoryCommand {
    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say of which streams there is a history, and how recording is doing.")
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            try await Exit.guarding {
                let result = try daemon.ask("history.status")
                if daemon.json { return try Terminal.say(json: result) }
                let state = try WireCoding.decode(HistoryState.self, WireCoding.encode(result))
                let page = Page(names: 12)
                page.say("directory", state.directory)
                page.say(
                    "kept", "\(size(state.bytes)) of \(size(Int(state.gigabytes * 1e9))), \(short(state.days)) days")
                page.say(
                    "recorded", "\(state.recorded) frames and clips, \(state.dropped) dropped, \(state.lost) lost")
                page.say(
                    "pictures",
                    "\(state.pictures) kept, \(state.picturesDropped) dropped, \(state.picturesLost) lost")
                if let flushed = state.flushed { page.say("on the disk", "up to \(flushed.formatted(.iso8601))") }
                if let problem = state.problem { page.say("problem", problem) }
                guard !state.streams.isEmpty else { return Terminal.say("nothing has been recorded yet") }
                Terminal.table(
                    ["STREAM", "FIRST", "LAST", "SIZE"],
                    state.streams.map { [$0.stream, $0.first, $0.last, size($0.bytes)] })
            }
        }

        private func size(_ bytes: Int) -> String {
            bytes < 1_000_000_000
                ? "\(short(Double(bytes / 100_000) / 10)) MB" : "\(short(Double(bytes / 10_000_000) / 100)) GB"
        }
        private func short(_ value: Double) -> String { value == value.rounded() ? "\(Int(value))" : "\(value)" }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove what has been kept of a stream, or a span of it, for good.")
        @Argument(help: "A stream, a region of one (lobby/door), or a pattern (\"gate*\"); \"*\" for all.")
        var stream: String
        @Option(help: "Only from this time on, as in 2026-11-30T12:00:00Z.") var from: String?
        @Option(help: "Only before this time.") var to: String?
        @OptionGroup var daemon: DaemonOptions

        func validate() throws {
            for (name, time) in [("--from", from), ("--to", to)] {
                if let time, Moment(time) == nil {
                    throw ValidationError("\(name) must be a time like 2026-11-30T12:00:00Z")
                }
            }
        }

        func run() async throws {
            try await Exit.guarding {
                var arguments: [String: JSONValue] = ["stream": .string(stream)]
                arguments["from"] = from.map { .string($0) }
                arguments["to"] = to.map { .string($0) }
                let result = try daemon.ask("history.remove", .object(arguments), timeout: 120)
                if daemon.json { return try Terminal.say(json: result) }
                for problem in result["skipped"]?.array ?? [] { Terminal.complain("left out: \(problem.string ?? "")") }
                let (removed, entries) = (result["removed"]?.integer ?? 0, result["entries"]?.integer ?? 0)
                let pictures = result["pictures"]?.integer ?? 0
                Terminal.say(
                    "removed \(removed) segments whole, \(entries) frames and clips of others, and \(pictures) pictures"
                )
            }
        }
    }
}
