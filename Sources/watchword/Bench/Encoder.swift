import ArgumentParser
import CLIP
import Checkpoints
import Foundation
import Pixels
import Tensors
import Watchtower

extension Bench {
    /// The image tower's speed in each precision.
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

        private struct Result: Encodable {
            let precision: String
            let batch: Int
            let threads: Int
            let ms_per_image: Double
            let ms_fastest: Double
            let ms_slowest: Double
            let matmul_share: Double
            /// The same products by oneDNN, and nothing else.
            let plain_products_ms: Double
            /// The weights' bytes read from memory once, and nothing else.
            let weights_read_ms: Double
        }

        private struct Report: Encodable {
            var bench = "encoder"
            let model: String
            let onednn: String
            let isa: String
            let products: String
            let rounds: Int
            let results: [Result]
        }

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
                let report = try await offPool { [self] in Swift.Result { try measure() } }.get()
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

        private func measure() throws -> Report {
            Workers.set(threads)
            var name = "\(arch), random weights"
            let encoders: [(Precision, ImageEncoder)]
            if let model {
                let directory = try ModelDirectory(URL(filePath: model))
                name = directory.architecture.name
                let source = directory.tensors
                encoders = try precision.map {
                    ($0.resolved, try ImageEncoder(source, architecture: directory.architecture, precision: $0))
                }
            } else if let architecture = Architecture(named: arch) {
                let tower = RandomModel(architecture)
                encoders = try precision.map {
                    Terminal.progress("weights of \($0.rawValue)")
                    return ($0.resolved, try ImageEncoder(tower, architecture: architecture, precision: $0))
                }
            } else {
                encoders = []
            }
            var cells: [(precision: Precision, batch: Int, read: Int)] = []
            var works: [() throws -> Void] = []
            var plain: [() throws -> Void] = []
            var reads: [() throws -> Void] = []
            for (precision, encoder) in encoders {
                let side = encoder.architecture.vision.side
                let picture = Picture(
                    side: side, rgb: (0..<side * side * 3).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) })
                // Weights are as many whatever the batch is.
                let read = WeightsRead(shapes(encoder.architecture.vision, pictures: 1), precision: precision)
                reads.append { read.run() }
                for batch in batch {
                    let pictures = [Picture](repeating: picture, count: batch)
                    cells.append((precision, batch, reads.count - 1))
                    works.append { _ = try encoder.encode(pictures) }
                    let products = try PlainProducts(
                        shapes(encoder.architecture.vision, pictures: batch), precision: precision)
                    plain.append { try products.run() }
                }
            }
            let timings = try Rounds(count: rounds, slice: 0.25).time(works + plain + reads) {
                Terminal.progress("round \($0 + 1) of \(rounds)")
            }
            Terminal.progress("")
            let results = try zip(cells, works).enumerated().map { index, pair in
                let (cell, work) = pair
                let (timing, batch) = (timings[index], Double(cell.batch))
                return Result(
                    precision: cell.precision.rawValue, batch: cell.batch, threads: Workers.count,
                    ms_per_image: timing.median / batch * 1e3, ms_fastest: timing.fastest / batch * 1e3,
                    ms_slowest: timing.slowest / batch * 1e3, matmul_share: try share(work),
                    plain_products_ms: timings[works.count + index].median / batch * 1e3,
                    weights_read_ms: timings[2 * works.count + cell.read].median / batch * 1e3)
            }
            return Report(
                model: name, onednn: ComputeLibrary.oneDNNVersion, isa: ComputeLibrary.instructionSet,
                products: ComputeLibrary.units, rounds: rounds,
                results: results)
        }

        /// The tower's products: where class tokens are pooled, only they leave the last block's attention.
        private func shapes(_ vision: Architecture.Vision, pictures: Int) -> [PlainProducts.Shape] {
            let (w, rows) = (vision.width, pictures * vision.tokens)
            let patches = PlainProducts.Shape(
                rows: pictures * vision.grid * vision.grid, inputs: 3 * vision.patch * vision.patch, outputs: w)
            return (1...vision.layers).reduce(into: [patches]) { shapes, layer in
                let left = layer == vision.layers && vision.form.pooling == .classToken ? pictures : rows
                shapes += [
                    PlainProducts.Shape(rows: rows, inputs: w, outputs: 3 * w),
                    PlainProducts.Shape(rows: left, inputs: w, outputs: w),
                    PlainProducts.Shape(rows: left, inputs: w, outputs: vision.inner),
                    PlainProducts.Shape(rows: left, inputs: vision.inner, outputs: w),
                ]
            }
        }

        private func share(_ work: () throws -> Void) throws -> Double {
            var inside = 0.0
            let whole = try ContinuousClock().measure {
                inside = try ProductTime.measure { for _ in 0..<8 { try work() } }
            }
            return inside / (whole / .seconds(1))
        }
    }
}
