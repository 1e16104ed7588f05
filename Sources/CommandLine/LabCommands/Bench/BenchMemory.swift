import ArgumentParser
import Benchmarking
import CommandSupport
import Foundation

extension Bench {
    /// `watchword bench memory`: measures memory and processor time of the whole daemon over minutes.
    struct Memory: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Loop a clip on several live streams through the whole daemon; prints memory at the start and at the end.",
            discussion: "With --restarts, one stream is restarted so often instead; it may be any live source, too.")

        @Argument(help: "A video file, played again and again in real time.") var uri: String
        @Option(
            parsing: .unconditional, help: "Restart one stream so often, as soon as it has given a frame or has failed."
        ) var restarts: Int?
        @Option(parsing: .unconditional, help: "Number of streams.") var streams = 4
        @Option(parsing: .unconditional, help: "Seconds to run.") var seconds = 600
        @Option(parsing: .unconditional, help: "Seconds before them, until memory is measured for the first time.")
        var warmUp = 120
        @Option(parsing: .unconditional, help: "Sampled frames a second; the model's own, if left out.") var fps:
            Double?
        @OptionGroup var model: ModelOptions
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard 1...1000 ~= streams, 1...604_800 ~= seconds, 0...604_800 ~= warmUp, 1...1_000_000 ~= restarts ?? 1
            else {
                throw ValidationError(
                    "streams go from 1 to 1000, seconds from 1 to a week, --warm-up from 0, and restarts from 1")
            }
            let fps = fps ?? 1
            guard fps > 0, fps <= 1000 else { throw ValidationError("--fps must be above 0, and at most 1000") }
        }

        func run() async throws {
            try await Exit.guarding {
                let benchmark = MemoryBenchmark(
                    uri: uri, streams: streams, seconds: seconds, warmUp: warmUp, fps: fps, model: model.model,
                    precision: model.precision)
                if let restarts {
                    let report = try await benchmark.run(restarts: restarts, Terminal.reporter)
                    if json { try Terminal.say(json: report) } else { Self.say(report) }
                } else {
                    let report = try await benchmark.run(Terminal.reporter)
                    if json { try Terminal.say(json: report) } else { Self.say(report) }
                }
            }
        }

        private static func say(_ report: MemoryBenchmark.Report) {
            Terminal.table(
                ["STREAMS", "SECONDS", "SAMPLED", "SCORED", "DROPPED", "CPU S/STREAM S", "RSS START MB", "RSS END MB"],
                [
                    [
                        "\(report.streams)", "\(report.seconds)", "\(report.sampled)", "\(report.scored)",
                        "\(report.dropped)", String(format: "%.4f", report.cpu_s_per_stream_s),
                        String(format: "%.1f", report.rss_mb_at_start), String(format: "%.1f", report.rss_mb),
                    ]
                ])
        }

        private static func say(_ report: RestartReport) {
            Terminal.table(
                ["RESTARTS", "RSS MB", "THREADS", "FILES"],
                report.samples.map {
                    ["\($0.restarts)", String(format: "%.1f", $0.rss_mb), "\($0.threads)", "\($0.files)"]
                })
            let rate = String(format: "%.2f", report.mb_per_1000_restarts)
            Terminal.say("\(report.played) played, \(report.abandoned) abandoned; \(rate) MB more for 1,000 restarts")
        }
    }
}
