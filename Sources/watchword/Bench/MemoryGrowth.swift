import ArgumentParser
import Engine
import Foundation
import Logging
import SystemSupport
import WatchwordConfiguration

extension Bench {
    /// Memory and processor time of the whole daemon, over minutes.
    struct MemoryGrowth: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "memory",
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

        private struct Result: Encodable {
            let streams: Int
            let fps: Double
            let seconds: Int
            let sampled: UInt64
            let scored: Int
            let dropped: UInt64
            let cpu_s_per_stream_s: Double
            let rss_mb: Double
            let rss_mb_at_start: Double
        }

        func run() async throws {
            Memory.keepSmall()
            try await Exit.guarding {
                let folder = FileManager.default.temporaryDirectory.appending(
                    path: "watchword-bench-\(ProcessInfo.processInfo.processIdentifier)")
                defer { try? FileManager.default.removeItem(at: folder) }
                var configuration = Configuration()
                configuration.model = model.model
                configuration.precision = model.precision
                configuration.publish = "ipc://\(folder.path)/events.sock"
                configuration.control = "ipc://\(folder.path)/control.sock"
                configuration.journal = folder.appending(path: "journal.sqlite").path
                let path = uri.contains("://") ? uri : URL(filePath: uri).standardizedFileURL.path
                configuration.streams =
                    restarts != nil
                    ? []
                    : (1...max(1, streams)).map {
                        StreamConfiguration(name: "bench-\($0)", uri: path, fps: fps, realtime: true, loop: true)
                    }
                configuration.queries = [
                    "something moves to the left", "something appears", "an empty scene", "a red circle",
                ].map { QueryConfiguration(text: $0, threshold: 0.2) }
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                var logger = Logger(label: "bench")
                logger.logLevel = .error
                let tower = try await Watchtower(configuration, logger: logger)
                try await tower.begin()
                let scoring = Task { await tower.run() }
                if let restarts {
                    let growth = RestartGrowth(
                        tower: tower,
                        stream: StreamConfiguration(name: "bench", uri: path, fps: fps, realtime: true, loop: true),
                        restarts: max(1, restarts))
                    let result = try await growth.run()
                    await tower.stop()
                    await scoring.value
                    return json ? try Terminal.say(json: result) : RestartGrowth.tell(result)
                }
                // Caches and the allocator's arenas fill for a minute or two (`--warm-up 10` shows it).
                try await Task.sleep(for: .seconds(warmUp))
                let start = try await tower.status().rssMB
                let cpu = clock()
                for second in 0..<seconds {
                    try await Task.sleep(for: .seconds(1))
                    Terminal.progress(
                        "\(second + 1) of \(seconds) s, \(String(format: "%.1f", Memory.residentMegabytes)) MB")
                }
                Terminal.progress("")
                let used = Double(clock() - cpu) / Double(CLOCKS_PER_SEC)
                let status = try await tower.status()
                await tower.stop()
                await scoring.value
                let result = Result(
                    streams: streams, fps: fps ?? tower.defaults.fps, seconds: seconds,
                    sampled: status.streams.reduce(0) { $0 + $1.sampled }, scored: status.scored,
                    dropped: status.streams.reduce(0) { $0 + $1.dropped },
                    cpu_s_per_stream_s: used / Double(seconds * streams), rss_mb: status.rssMB, rss_mb_at_start: start)
                if json { return try Terminal.say(json: result) }
                Terminal.table(
                    [
                        "STREAMS", "SECONDS", "SAMPLED", "SCORED", "DROPPED", "CPU S/STREAM S", "RSS START MB",
                        "RSS END MB",
                    ],
                    [
                        [
                            "\(streams)", "\(seconds)", "\(result.sampled)", "\(result.scored)", "\(result.dropped)",
                            String(format: "%.4f", result.cpu_s_per_stream_s), String(format: "%.1f", start),
                            String(format: "%.1f", result.rss_mb),
                        ]
                    ])
            }
        }
    }
}
