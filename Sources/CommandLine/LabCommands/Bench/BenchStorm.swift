import ArgumentParser
import Benchmarking
import CommandSupport
import Foundation

extension Bench {
    /// `watchword bench storm`: what is scored and written while every query matches on every stream.
    struct Storm: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Events of queries that match everything: what the whole daemon still scores, and what it writes.",
            discussion: """
                Plays a film once on several live streams, with contrasts that always match. DUE are the windows of all \
                frames that the sampling took; LEFT OUT are frames that were shed or dropped.
                """)

        @Argument(help: "A video file that is longer than --seconds.") var film: String
        @Option(parsing: .unconditional, help: "Number of streams.") var streams = 8
        @Option(parsing: .unconditional, help: "Standing queries, each of which matches all the time.") var queries =
            5000
        @Option(parsing: .unconditional, help: "Seconds to run.") var seconds = 25.0
        @OptionGroup var model: ModelOptions
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard streams > 0, queries > 0, seconds >= 1 else {
                throw ValidationError("streams, queries and seconds go from 1")
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
                [
                    "QUERIES", "STREAMS", "SECONDS", "DUE", "SCORED", "LEFT OUT", "STARTS", "UPDATES", "MESSAGES",
                    "JOURNAL MB", "PICTURES", "PICTURE MB", "P50 MS", "P99 MS", "CPU S",
                ],
                [
                    [
                        "\(report.queries)", "\(report.streams)", String(format: "%.0f", report.seconds),
                        "\(report.due)", "\(report.scored)", "\(report.left_out)", "\(report.starts)",
                        "\(report.updates)", "\(report.messages)", String(format: "%.1f", report.journal_mb),
                        "\(report.pictures) of \(report.picture_names)", String(format: "%.1f", report.picture_mb),
                        "\(report.p50_ms)", "\(report.p99_ms)", String(format: "%.1f", report.cpu_s),
                    ]
                ])
        }
    }
}
