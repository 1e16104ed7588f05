import ArgumentParser
import Concurrency
import Foundation
import Heads
import Tensors

// In here, `Head` is the command of that name.
private typealias LoadedHead = Heads.Head

extension Bench {
    /// The heads' speed beside that of plain products of the same shapes.
    struct Heads: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Microseconds a window and GFLOP/s of each head, beside sgemm's GFLOP/s in the same run.",
            discussion: """
                Weights are random. GFLOP counts 2 for each multiply-add of the matrix products, attention's two among \
                them. SGEMM is plain OpenBLAS on the head's own products at that batch; the share is the head's rate \
                in it. The rate of one large square product is given too. Things are timed in turns, and the median \
                round is shown, with the fastest and the slowest. A window of "tight" is a pair of a text and a window.
                """)

        @Option(parsing: .upToNextOption, help: "Heads.") var head = ["mean", "lstm", "transformer", "tight"]
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
                let report = try await offPool { [self] in Swift.Result { try measure() } }.get()
                if json { return try Terminal.say(json: report) }
                Terminal.table(
                    ["HEAD", "BATCH", "US/WINDOW", "FASTEST–SLOWEST", "GFLOP/S", "SGEMM", "SHARE", "GB/S"],
                    report.results.map(\.cells))
                Terminal.say(
                    "sgemm \(square) x \(square): \(String(format: "%.0f", report.sgemm_square_gflops)) GFLOP/s; "
                        + "width \(width), \(frames) frames, \(layers) layers, \(attentionHeads) attention heads, "
                        + "\(report.threads) threads, \(rounds) rounds")
            }
        }

        /// Heads, their products and the square product, all in turns.
        private func measure() throws -> Report {
            let finder = HeadFinder.standard()
            var works: [() throws -> Void] = []
            var cells: [(model: HeadModel, batch: Int)] = []
            for name in head {
                let model = HeadModel(
                    head: name, width: width, layers: layers, attentionHeads: attentionHeads, frames: frames)
                let head = try LoadedHead(
                    finder.load(name), width: width, maxFrames: frames, weights: model.weights(seed: seed),
                    config: "{\"attention_heads\": \(attentionHeads)}")
                for batch in batch {
                    cells.append((model, batch))
                    works.append(call(head, batch))
                    works.append(products(model.products(batch: batch)))
                }
            }
            works.append(products([HeadModel.Product(rows: square, inputs: square, outputs: square)]))
            let timings = try Rounds(count: rounds, slice: 0.06).time(works) {
                Terminal.progress("round \($0 + 1) of \(rounds)")
            }
            Terminal.progress("")
            let results = cells.enumerated().map { index, cell in
                Result(cell.model, cell.batch, timings[2 * index], products: timings[2 * index + 1])
            }
            let side = Double(square)
            return Report(
                model: "random weights, seed \(seed)", layers: layers, attention_heads: attentionHeads,
                threads: ProcessInfo.processInfo.environment["OMP_NUM_THREADS"].flatMap { Int($0) }
                    ?? ProcessInfo.processInfo.activeProcessorCount, rounds: rounds, results: results,
                sgemm_square: square,
                sgemm_square_gflops: 2 * side * side * side / timings[works.count - 1].median / 1e9)
        }

        /// One call of a head with `batch` full windows of random frames.
        private func call(_ head: LoadedHead, _ batch: Int) -> () throws -> Void {
            var random = SeededNumbers(seed: seed + UInt64(batch))
            let windows = random.numbers(batch * frames * width, deviation: 1)
            let valid = [Int](repeating: frames, count: batch)
            var out: [Float] = []
            guard head.library.pairs else {
                return { [frames] in try head.pool(windows, valid: valid, frames: frames, into: &out) }
            }
            let text = random.numbers(width, deviation: 1)
            let pairs = (0..<batch).map { (text: 0, window: $0) }
            return { [frames] in
                try head.score(texts: text, windows, valid: valid, frames: frames, pairs: pairs, into: &out)
            }
        }

        /// Plain sgemm of some products, each with weights of its own, as in a head.
        private func products(_ products: [HeadModel.Product]) -> () throws -> Void {
            var random = SeededNumbers(seed: seed)
            let made = products.map { product in
                let x = random.numbers(product.rows * product.inputs, deviation: 1)
                let weight = random.numbers(product.outputs * product.inputs, deviation: 0.05)
                return (
                    x: Matrix(x, columns: product.inputs), weight: Matrix(weight, columns: product.inputs),
                    out: Matrix(rows: product.rows, columns: product.outputs), times: product.times
                )
            }
            return {
                for product in made {
                    for _ in 0..<product.times {
                        Products.timesTransposed(product.x, product.weight, into: product.out)
                    }
                }
            }
        }
    }
}

extension Bench.Heads {
    /// One head at one batch.
    private struct Result: Encodable {
        let head: String
        let frames: Int
        let width: Int
        let batch: Int
        let us_per_window: Double
        let us_fastest: Double
        let us_slowest: Double
        let gflops: Double
        /// Of plain sgemm on the same products; 0 if there are none.
        let sgemm_gflops: Double
        let sgemm_share: Double
        /// Of frames read.
        let gb_per_s: Double

        init(_ model: HeadModel, _ batch: Int, _ timing: Rounds.Timing, products: Rounds.Timing) {
            head = model.head
            frames = model.frames
            width = model.width
            self.batch = batch
            us_per_window = timing.median / Double(batch) * 1e6
            us_fastest = timing.fastest / Double(batch) * 1e6
            us_slowest = timing.slowest / Double(batch) * 1e6
            gflops = model.flops(batch: batch) / timing.median / 1e9
            let plain = model.products(batch: batch).reduce(0) { $0 + $1.flops }
            sgemm_gflops = plain / products.median / 1e9
            sgemm_share = plain > 0 ? gflops / sgemm_gflops : 0
            gb_per_s = Double(4 * batch * model.frames * model.width) / timing.median / 1e9
        }

        var cells: [String] {
            let rates =
                gflops > 0
                ? ["\(Int(gflops.rounded()))", "\(Int(sgemm_gflops.rounded()))", String(format: "%.2f", sgemm_share)]
                : ["-", "-", "-"]
            return [
                head, "\(batch)", String(format: "%.2f", us_per_window),
                String(format: "%.2f–%.2f", us_fastest, us_slowest),
            ] + rates + [gflops > 0 ? "-" : String(format: "%.1f", gb_per_s)]
        }
    }

    private struct Report: Encodable {
        var bench = "heads"
        let model: String
        let layers: Int
        let attention_heads: Int
        let threads: Int
        let rounds: Int
        let results: [Result]
        let sgemm_square: Int
        let sgemm_square_gflops: Double
    }
}
