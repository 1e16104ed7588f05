import ArgumentParser
import Benchmarking
import CommandSupport
import Concurrency
import Foundation
import Training

extension Bench {
    /// `watchword bench heads`: measures the speed of heads, beside plain matrix products of the same shapes.
    struct Heads: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Microseconds a window and GFLOP/s of each head, beside sgemm's GFLOP/s in the same run.",
            discussion: """
                Weights are random. GFLOP counts 2 for each multiply-add of the matrix products, attention's two among \
                them. SGEMM is plain OpenBLAS on the head's own products at that batch; the share is the head's rate \
                in it. The rate of one large square product is given too. Things are timed in turns, and the median \
                round is shown, with the fastest and the slowest. A pairing head's window is a pair of a text and a window.
                """)

        @Option(parsing: .upToNextOption, help: "Heads.") var head = HeadKind.allCases.map(\.rawValue)
        @Option(parsing: .upToNextOption, help: "Windows in a call.") var batch = [1, 4, 16, 64]
        @Option(parsing: .unconditional, help: "Embedding width.") var width = 512
        @Option(parsing: .unconditional, help: "Frames in a window.") var frames = 12
        @Option(parsing: .unconditional, help: "Blocks of the transformer heads.") var layers = 4
        @Option(parsing: .unconditional, help: "Attention heads of each block.") var attentionHeads = 8
        @Option(parsing: .unconditional, help: "Rounds.") var rounds = 9
        @Option(parsing: .unconditional, help: "Side of the square product.") var square = 1024
        @Option(parsing: .unconditional, help: "Seed of the random weights.") var seed: UInt64 = 7
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard batch.allSatisfy({ 1...4096 ~= $0 }), 1...8192 ~= width, 1...1024 ~= frames, 1...64 ~= layers,
                attentionHeads > 0, width % attentionHeads == 0, rounds > 0, 1...8192 ~= square
            else { throw ValidationError("sizes must be positive, and attention heads must share the width evenly") }
        }

        func run() async throws {
            try await Exit.guarding {
                let benchmark = HeadsBenchmark(
                    heads: head, batches: batch, width: width, frames: frames, layers: layers,
                    attentionHeads: attentionHeads, rounds: rounds, square: square, seed: seed)
                let report = try await offPoolThrowing { try benchmark.run(Terminal.reporter) }
                if json { return try Terminal.say(json: report) }
                Terminal.table(
                    ["HEAD", "BATCH", "US/WINDOW", "FASTEST–SLOWEST", "GFLOP/S", "SGEMM", "SHARE", "GB/S"],
                    report.results.map(Self.cells))
                Terminal.say(
                    "sgemm \(square) x \(square): \(String(format: "%.0f", report.sgemm_square_gflops)) GFLOP/s; "
                        + "width \(width), \(frames) frames, \(layers) layers, \(attentionHeads) attention heads, "
                        + "\(report.threads) threads, \(rounds) rounds")
            }
        }

        /// Returns the cells of a table row; a head without matrix products has a rate in GB/s instead of GFLOP/s.
        private static func cells(_ result: HeadsReport.Result) -> [String] {
            let hasProducts = result.gflops > 0
            let rates =
                hasProducts
                ? [
                    "\(Int(result.gflops.rounded()))", "\(Int(result.sgemm_gflops.rounded()))",
                    String(format: "%.2f", result.sgemm_share),
                ] : ["-", "-", "-"]
            return [
                result.head, "\(result.batch)", String(format: "%.2f", result.us_per_window),
                String(format: "%.2f–%.2f", result.us_fastest, result.us_slowest),
            ] + rates + [hasProducts ? "-" : String(format: "%.1f", result.gb_per_s)]
        }
    }
}
