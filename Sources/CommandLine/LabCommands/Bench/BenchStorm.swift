import ArgumentParser
import Benchmarking
import CommandSupport
import Foundation

extension Bench {
    /// `watchword bench storm`: measures what the daemon scores and writes while every query matches on every stream.
    struct Storm: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Events of queries that match everything: what the whole daemon still scores, and what it writes.",
            discussion: """
                Plays a film once on several live streams, with contrasts that always match. Windows are due of all \
                frames that the sampling took; frames left out were shed or dropped.
                """)

        @Argument(help: "A video file that is longer than --seconds.") var film: String
        @Option(parsing: .unconditional, help: "Number of streams.") var streams = 8
        @Option(parsing: .unconditional, help: "Standing queries, each of which matches all the time.") var queries =
            5000
        @Option(parsing: .unconditional, help: "Seconds to run.") var seconds = 25.0
        @OptionGroup var model: ModelOptions
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard 1...1000 ~= streams, 1...1_000_000 ~= queries, 1...86_400 ~= seconds else {
                throw ValidationError("streams, queries and seconds go from 1, to 1000, to a million and to a day")
            }
        }

        func run() async throws {
            try await Exit.guarding {
                let benchmark = StormBenchmark(
                    film: film, streams: streams, queries: queries, seconds: seconds, model: model.model,
                    precision: model.precision)
                let report = try await benchmark.run(Terminal.reporter)
                if json { try Terminal.say(json: report) } else { Self.say(report) }
            }
        }

        private static func say(_ report: StormReport) {
            Terminal.table(
                ["FIGURE", "VALUE"],
                [
                    ["load", "\(report.queries) queries on \(report.streams) streams, \(Int(report.seconds)) s"],
                    ["windows scored", "\(report.scored) of \(report.due) due"],
                    ["frames left out", "\(report.left_out)"],
                    ["told", "\(report.starts) starts, \(report.updates) updates"],
                    ["updates that became one", "\(report.coalesced)"],
                    ["still waiting", "\(report.waiting)"],
                    ["journal", String(format: "%d messages, %.1f MB", report.messages, report.journal_mb)],
                    [
                        "pictures",
                        String(
                            format: "%d files under %d names, %.1f MB", report.pictures, report.picture_names,
                            report.picture_mb),
                    ],
                    ["latency", "p50 \(report.p50_ms) ms, p99 \(report.p99_ms) ms"],
                    ["processor", String(format: "%.1f s", report.cpu_s)],
                ])
        }
    }
}
