import ArgumentParser
import Benchmarking
import CLIP
import CommandSupport
import Concurrency
import Foundation
import Tensors

extension Bench {
    /// `watchword bench encoder`: measures the speed of the image tower in each precision.
    struct Encoder: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Milliseconds a picture of the image tower, by precision and batch.",
            discussion: """
                Weights are random, or those of --model. Things are timed in turns, and the median round is shown, with \
                the fastest and the slowest. PRODUCTS is the share of the time inside the layers' matrix products; \
                attention's own products are not counted in it. PLAIN is what oneDNN takes for the same products, \
                without biases, curves, or scales of bytes: it is compared with MS/IMAGE times PRODUCTS. READ is what it \
                takes to read as many bytes as the products have weights from memory, once a batch.
                """)

        @Option(help: "ViT-B/32, ViT-B/16 or ViT-L/14, with random weights.") var arch = "ViT-B/32"
        @Option(help: "A model directory instead.") var model: String?
        @Option(parsing: .upToNextOption, help: "f32, bf16, int8.") var precision: [Precision] = [.f32, .bf16, .int8]
        @Option(parsing: .upToNextOption, help: "Pictures in a batch.") var batch = [1, 8]
        @Option(parsing: .unconditional, help: "Threads; all cores, if 0.") var threads = 0
        @Option(parsing: .unconditional, help: "Rounds.") var rounds = 9
        @Flag(help: "Print JSON.") var json = false

        func validate() throws {
            guard batch.allSatisfy({ 1...256 ~= $0 }), 0...1024 ~= threads, rounds > 0, !precision.isEmpty else {
                throw ValidationError("batches go from 1 to 256, threads from 0 to 1024, and rounds from 1")
            }
            guard model != nil || Architecture.knownNames.contains(arch) else {
                throw ValidationError(
                    "there is no architecture \"\(arch)\" here; there are: \(Architecture.knownNames.joined(separator: ", "))"
                )
            }
        }

        func run() async throws {
            try await Exit.guarding {
                let benchmark = EncoderBenchmark(
                    model: model, architecture: arch, precisions: precision, batches: batch, threads: threads,
                    rounds: rounds)
                let report = try await offPoolThrowing { try benchmark.run(Terminal.reporter) }
                if json { return try Terminal.say(json: report) }
                Terminal.table(
                    ["PRECISION", "BATCH", "THREADS", "MS/IMAGE", "FASTEST–SLOWEST", "PRODUCTS", "PLAIN", "READ"],
                    report.results.map {
                        [
                            $0.precision, "\($0.batch)", "\($0.threads)", String(format: "%.2f", $0.ms_per_image),
                            String(format: "%.2f–%.2f", $0.ms_fastest, $0.ms_slowest),
                            String(format: "%.0f %%", $0.matmul_share * 100),
                            String(format: "%.2f", $0.plain_products_ms),
                            String(format: "%.2f", $0.weights_read_ms),
                        ]
                    })
                Terminal.say(
                    "\(report.model), oneDNN \(report.onednn) (\(report.isa)), \(report.products), \(rounds) rounds")
            }
        }
    }
}
