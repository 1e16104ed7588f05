import ArgumentParser
import Benchmarking
import CLIP
import CommandSupport
import Foundation
import Tensors

extension Bench {
    /// `watchword bench streams`: measures how many cameras this machine can watch.
    struct Streams: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The number of 1080p25 H.264 cameras that the whole daemon can watch in real time.",
            discussion: """
                Cameras are played over RTSP by a process of their own, with a keyframe a second, out of step. A number is \
                carried if every sampled frame is scored against all queries, 99 of 100 within a second of the time its \
                first packet came. Without --streams the largest such number is looked for. CPU is this process's; the \
                server's is shown apart. BY STAGE is CPU milliseconds a camera-second.
                """)

        @Option(
            parsing: .unconditional, help: "Number of streams; the largest that is carried is looked for, if left out.")
        var streams: Int?
        @Option(parsing: .unconditional, help: "Seconds that are measured.") var seconds = 60.0
        @Option(parsing: .unconditional, help: "Sampled frames a second.") var fps = 1.0
        @Option(parsing: .unconditional, help: "Standing queries.") var queries = 1000
        @Option(
            parsing: .unconditional,
            help: "Every query's threshold: the nearer to scores, the more windows are scored again in float32.")
        var threshold = 0.3
        @Option(help: "Random weights of an architecture: \(Architecture.knownNames.joined(separator: ", ")).")
        var arch = "ViT-B/32"
        @Option(help: "A model instead.") var model: String?
        @Option(help: "auto, f32, bf16 or int8.") var precision = Precision.auto
        @Flag(help: "Cameras that show one still picture.") var still = false
        @Option(
            parsing: .unconditional, help: "Embeds a frame anew only where a block of it has changed by so many levels."
        ) var gate: Double?
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard threshold.isFinite else { throw ValidationError("--threshold must be a number") }
            guard gate ?? 1 > 0 else { throw ValidationError("--gate must be above 0") }
            guard 1...10_000 ~= streams ?? 1, 1...86_400 ~= seconds, fps > 0, fps <= 25, 1...1000 ~= queries else {
                throw ValidationError("streams and seconds go from 1, fps to 25, and queries from 1 to 1000")
            }
            guard model != nil || Architecture.knownNames.contains(arch) else {
                throw ValidationError(
                    "there is no architecture \"\(arch)\" here: \(Architecture.knownNames.joined(separator: ", "))")
            }
        }

        func run() async throws {
            try await Exit.guarding {
                let benchmark = StreamsBenchmark(
                    streams: streams, seconds: seconds, fps: fps, queries: queries, threshold: threshold,
                    model: model, architecture: arch, precision: precision, still: still, gate: gate)
                let report = try await benchmark.run(Terminal.reporter)
                if json { try Terminal.say(json: report) } else { say(report) }
            }
        }

        private func say(_ report: StreamsReport) {
            Terminal.table(
                [
                    "STREAMS", "SECONDS", "SAMPLED", "SCORED", "GATED", "DROPPED", "RESCORED", "UNDECIDED", "P50 MS",
                    "P99 MS", "CPU S/STREAM S", "PEAK MB", "SERVER CPU", "CARRIED",
                ], report.results.map(Self.cells))
            guard let last = report.results.last else { return }
            Terminal.say("")
            Terminal.say("CPU milliseconds a camera-second of \(last.streams) streams, by stage:")
            let stages = last.by_stage_ms
            Terminal.table(
                ["RECEIVE", "DECODE", "SCALE", "ENCODE", "SCORE", "OTHER"],
                [
                    [stages.receive, stages.decode, stages.scale, stages.encode, stages.score, stages.other].map {
                        String(format: "%.2f", $0)
                    }
                ])
            Terminal.say(
                "\(report.model), \(report.precision), \(queries) queries, \(fps) fps; "
                    + "of \(last.keyframes_only) streams keyframes alone are decoded")
        }

        private static func cells(_ result: StreamsReport.Result) -> [String] {
            [
                "\(result.streams)", String(format: "%.0f", result.seconds), "\(result.sampled)", "\(result.scored)",
                "\(result.gated)", "\(result.dropped)", "\(result.rescored)", "\(result.undecided)",
                "\(result.p50_ms)", "\(result.p99_ms)", String(format: "%.4f", result.cpu_s_per_stream_s),
                String(format: "%.0f", result.peak_rss_mb),
                String(format: "%.4f", result.server_cpu_s_per_stream_s), result.carried ? "yes" : "no",
            ]
        }
    }
}
