import ArgumentParser
import CLIP
import Concurrency
import Engine
import Foundation
import SystemSupport
import Tensors
import WatchwordConfiguration

extension Bench {
    /// How many cameras this machine can watch.
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

        private struct Report: Encodable {
            var bench = "streams"
            let model: String
            let precision: String
            let queries: Int
            let results: [StreamTrial.Result]
        }

        func validate() throws {
            guard threshold.isFinite else { throw ValidationError("--threshold must be a number") }
            guard gate ?? 1 > 0 else { throw ValidationError("--gate must be above 0") }
            guard streams ?? 1 > 0, seconds >= 1, fps > 0, fps <= 25, 1...1000 ~= queries else {
                throw ValidationError("streams and seconds go from 1, fps to 25, and queries from 1 to 1000")
            }
            guard model != nil || Architecture.knownNames.contains(arch) else {
                throw ValidationError(
                    "there is no architecture \"\(arch)\" here: \(Architecture.knownNames.joined(separator: ", "))")
            }
        }

        func run() async throws {
            Memory.keepSmall()
            try await Exit.guarding {
                let scene = still ? "still" : "moving"
                let server = try await offPool { Swift.Result { try ClipServer(scene: scene) } }.get()
                let folder = FileManager.default.temporaryDirectory.appending(
                    path: "watchword-bench-\(ProcessInfo.processInfo.processIdentifier)")
                defer { try? FileManager.default.removeItem(at: folder) }
                var trial = try await StreamTrial(configuration(in: folder), server: server, fps: fps, gate: gate)
                var results: [StreamTrial.Result] = []
                if let streams {
                    try await trial.watch(streams)
                    results.append(try await trial.measure(seconds: seconds))
                } else {
                    results = try await search(&trial)
                }
                await trial.end()
                try say(results)
            }
        }

        private func configuration(in folder: URL) throws -> Configuration {
            var configuration = Configuration()
            configuration.precision = precision
            configuration.publish = "ipc://\(folder.path)/events.sock"
            configuration.journal = folder.appending(path: "journal.sqlite").path
            configuration.queries = texts.prefix(queries).map {
                QueryConfiguration(text: $0, threshold: threshold)
            }
            if let model {
                configuration.model = model
            } else if let architecture = Architecture(named: arch) {
                Terminal.progress("writing random weights")
                let directory = folder.appending(path: "model")
                try RandomModel(architecture).write(to: directory)
                configuration.model = directory.path
            }
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            return configuration
        }

        /// A thousand different sentences.
        private var texts: [String] {
            let kinds = ["red", "blue", "green", "white", "black", "yellow", "small", "large", "old", "new"]
            let things = ["van", "car", "bicycle", "dog", "cat", "box", "suitcase", "drone", "person", "truck"]
            let deeds = [
                "stops at the gate", "leaves the yard", "turns left", "turns right", "stands still", "falls over",
                "crosses the road", "waits by the door", "moves fast", "comes back",
            ]
            return kinds.flatMap { kind in
                things.flatMap { thing in deeds.map { "a \(kind) \(thing) \($0)" } }
            }
        }

        /// Doubles, then halves the gap, with short runs; then measures the largest in full, or the next smaller.
        private func search(_ trial: inout StreamTrial) async throws -> [StreamTrial.Result] {
            var results: [StreamTrial.Result] = []
            var (carried, tooMany, next) = (0, Int.max, 8)
            func step(_ count: Int) -> Int { max(1, count / 32) }
            while tooMany - carried > step(carried) {
                try await trial.watch(next)
                let result = try await trial.measure(seconds: min(15, seconds))
                results.append(result)
                if result.carried { carried = next } else { tooMany = next }
                // Not more than the processors' time would do for, from what a stream has taken.
                let processors = Double(ProcessInfo.processInfo.activeProcessorCount)
                let limit = max(carried + 1, Int(processors / result.cpu_s_per_stream_s))
                next = tooMany == .max ? min(carried * 2, limit) : (carried + tooMany) / 2
                if next == 0 { return results }
            }
            while carried > 0 {
                try await trial.watch(carried)
                let result = try await trial.measure(seconds: seconds)
                results.append(result)
                if result.carried { break }
                carried -= step(carried)
            }
            return results
        }

        private func say(_ results: [StreamTrial.Result]) throws {
            let name = model ?? "\(arch), random weights"
            if json {
                return try Terminal.say(
                    json: Report(
                        model: name, precision: precision.resolved.rawValue, queries: queries, results: results))
            }
            Terminal.table(
                [
                    "STREAMS", "SECONDS", "SAMPLED", "SCORED", "GATED", "DROPPED", "RESCORED", "UNDECIDED", "P50 MS",
                    "P99 MS", "CPU S/STREAM S",
                    "PEAK MB", "SERVER CPU", "CARRIED",
                ],
                results.map {
                    [
                        "\($0.streams)", String(format: "%.0f", $0.seconds), "\($0.sampled)", "\($0.scored)",
                        "\($0.gated)", "\($0.dropped)", "\($0.rescored)", "\($0.undecided)", "\($0.p50_ms)",
                        "\($0.p99_ms)",
                        String(format: "%.4f", $0.cpu_s_per_stream_s),
                        String(format: "%.0f", $0.peak_rss_mb), String(format: "%.4f", $0.server_cpu_s_per_stream_s),
                        $0.carried ? "yes" : "no",
                    ]
                })
            guard let last = results.last else { return }
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
                "\(name), \(precision.resolved.rawValue), \(queries) queries, \(fps) fps; of \(last.keyframes_only) streams keyframes alone are decoded"
            )
        }
    }
}
