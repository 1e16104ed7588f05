import ArgumentParser
import Benchmarking
import CommandSupport
import Foundation
import Training

extension Bench {
    /// `watchword bench training`: measures the time of a training step: forward pass, backward pass and update.
    struct Training: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Time training steps of a head on random embeddings, or of towers on random pictures.")

        @Option(help: "lstm, transformer or tight.")
        var head = HeadKind.transformer
        @Option(parsing: .unconditional, help: "Width of the embeddings.")
        var width = 512
        @Option(parsing: .unconditional, help: "Frames of a window.")
        var frames = 12
        @Option(parsing: .unconditional, help: "Pairs of a step.")
        var batch = 128
        @Option(parsing: .unconditional, help: "Blocks of the transformer and tight heads.")
        var layers = 4
        @Option(parsing: .unconditional, help: "Steps that are timed, after one that is not.")
        var steps = 5
        @Option(parsing: .unconditional, help: "Threads of matrix products; by default one for each core.")
        var threads: Int?
        @Flag(help: "Train both towers of the bundled model's sizes, from pictures and tokens, with the mean head.")
        var towers = false
        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            for (name, value) in [("width", width), ("frames", frames), ("layers", layers), ("steps", steps)]
            where !(1...4096).contains(value) { throw ValidationError("--\(name) must be 1 to 4096") }
            if !(2...4096).contains(batch) { throw ValidationError("--batch must be 2 to 4096") }
        }

        func run() throws {
            let report = try TrainingBenchmark(
                head: head, width: width, frames: frames, batch: batch, layers: layers, steps: steps,
                threads: threads ?? ProcessInfo.processInfo.activeProcessorCount, towers: towers
            ).run()
            if json { return try Terminal.say(json: report) }
            Terminal.say(
                String(
                    format: "\(report.head): %.1f ms a step (%.1f to %.1f)", report.msPerStep, report.fastest,
                    report.slowest))
        }
    }
}
