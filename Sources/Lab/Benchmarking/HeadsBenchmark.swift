import Foundation
import Heads
package import Printing
import Tensors

/// Measures the time of heads with random weights, and of plain matrix products of the same shapes.
package struct HeadsBenchmark: Sendable {
    /// The names of the heads to measure.
    package let heads: [String]
    /// The batch sizes to measure, in windows per call.
    package let batches: [Int]
    /// The number of values in an embedding.
    package let width: Int
    /// The length of a window, in frames.
    package let frames: Int
    /// The number of transformer blocks in each head that has any.
    package let layers: Int
    /// The number of attention heads in each block; it must divide `width`.
    package let attentionHeads: Int
    package let rounds: Int
    /// The side of a square matrix product that measures the machine's peak rate.
    package let square: Int
    /// The seed of the random weights.
    package let seed: UInt64

    package init(
        heads: [String], batches: [Int], width: Int, frames: Int, layers: Int, attentionHeads: Int, rounds: Int,
        square: Int, seed: UInt64
    ) {
        (self.heads, self.batches, self.width, self.frames) = (heads, batches, width, frames)
        (self.layers, self.attentionHeads) = (layers, attentionHeads)
        (self.rounds, self.square, self.seed) = (rounds, square, seed)
    }

    /// The time for which each closure is run in a round, in seconds.
    private static let slice = 0.06

    /// Times the heads, their matrix products alone and the square product, in turns.
    ///
    /// It blocks the calling thread. Throws `HeadError` if a head cannot be loaded or rejects the weights.
    package func run(_ reporter: ProgressReporter) throws -> HeadsReport {
        let finder = HeadFinder.standard()
        var works: [() throws -> Void] = []
        var cells: [(model: HeadModel, batch: Int)] = []
        for name in heads {
            let model = HeadModel(
                name: name, width: width, layers: layers, attentionHeads: attentionHeads, frames: frames)
            let head = try Heads.Head(
                finder.load(name), width: width, maxFrames: frames, weights: model.weights(seed: seed),
                config: "{\"attention_heads\": \(attentionHeads)}")
            for batch in batches {
                cells.append((model, batch))
                works.append(call(head, batch))
                works.append(products(model.products(batch: batch)))
            }
        }
        works.append(products([HeadModel.Product(rows: square, inputs: square, outputs: square)]))
        let timings = try Rounds(count: rounds, slice: Self.slice).time(works) {
            reporter.progress("round \($0 + 1) of \(rounds)")
        }
        reporter.clear()
        let results = cells.enumerated().map { index, cell in
            HeadsReport.Result(cell.model, cell.batch, timings[2 * index], products: timings[2 * index + 1])
        }
        let side = Double(square)
        return HeadsReport(
            model: "random weights, seed \(seed)", layers: layers, attention_heads: attentionHeads,
            threads: ProcessInfo.processInfo.environment["OMP_NUM_THREADS"].flatMap { Int($0) }
                ?? ProcessInfo.processInfo.activeProcessorCount, rounds: rounds, results: results,
            sgemm_square: square,
            sgemm_square_gflops: 2 * side * side * side / timings[works.count - 1].median / 1e9)
    }

    /// Returns a closure that calls a head with `batch` full windows of random frames.
    private func call(_ head: Heads.Head, _ batch: Int) -> () throws -> Void {
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

    /// Returns a closure that computes matrix products by plain sgemm, each with its own weights, as in a head.
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
