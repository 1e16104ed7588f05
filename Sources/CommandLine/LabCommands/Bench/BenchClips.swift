import ArgumentParser
import Benchmarking
import CommandSupport
import Foundation

extension Bench {
    /// `watchword bench clips`: what clips of events cost, and how soon they are ready.
    struct Clips: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The cost of holding coded video and of writing clips, and how soon a clip is ready.",
            discussion: """
                1080p25 H.264 cameras of 4 Mbit/s with a keyframe a second are played over RTSP by a process of their \
                own; their keyframes are decoded, and nothing is scored. In each round nothing is held, then units are, \
                then each stream writes a clip all the time. Costs are percent of one core a stream, over what receiving \
                takes; READY counts from a clip's last picture.
                """)

        @Option(parsing: .unconditional, help: "Number of streams.") var streams = 8
        @Option(parsing: .unconditional, help: "Seconds of each measurement.") var seconds = 20.0
        @Option(parsing: .unconditional, help: "Rounds.") var rounds = 3
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard 1...64 ~= streams, 5...600 ~= seconds, 1...100 ~= rounds else {
                throw ValidationError("streams go from 1 to 64, seconds from 5 to 600, and rounds from 1 to 100")
            }
        }

        func run() async throws {
            try await Exit.guarding {
                let report = try await ClipsBenchmark(streams: streams, seconds: seconds, rounds: rounds)
                    .run(Terminal.reporter)
                if json { try Terminal.say(json: report) } else { Self.say(report) }
            }
        }

        private static func say(_ report: ClipsReport) {
            func percents(_ values: [Double]) -> String {
                values.map { String(format: "%.2f", $0) }.joined(separator: ", ")
            }
            Terminal.table(
                ["FIGURE", "VALUE"],
                [
                    ["load", String(format: "%d streams of %.1f Mbit/s", report.streams, report.mbit_per_s)],
                    ["receiving and keyframes", String(format: "%.2f %% of a core a stream", report.receive_percent)],
                    ["holding", String(format: "%.2f %% more", report.hold_percent)],
                    ["holding and writing", String(format: "%.2f %% more", report.write_percent)],
                    ["holding, by round", percents(report.hold_percent_all)],
                    ["holding and writing, by round", percents(report.write_percent_all)],
                    ["clips", "\(report.clips), \(report.cut) cut, \(report.failed) failed"],
                    ["ready", "\(report.ready_ms) ms, at most \(report.ready_most_ms) ms"],
                    ["ring, at most", String(format: "%.2f MB", report.ring_mb)],
                ])
        }
    }
}
