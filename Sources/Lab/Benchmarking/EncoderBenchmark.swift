import CLIP
import Foundation
import Pixels
package import Printing
package import Tensors

/// Measures the time of CLIP's image tower with several precisions and batch sizes.
package struct EncoderBenchmark: Sendable {
    /// The path of a model directory; nil means random weights of `architecture`.
    package let model: String?
    /// The name of a model architecture; used if `model` is nil.
    package let architecture: String
    package let precisions: [Precision]
    /// The batch sizes to measure, in pictures per call.
    package let batches: [Int]
    /// The number of threads for matrix products; 0 means all cores.
    package let threads: Int
    package let rounds: Int

    package init(
        model: String?, architecture: String, precisions: [Precision], batches: [Int], threads: Int, rounds: Int
    ) {
        (self.model, self.architecture, self.precisions) = (model, architecture, precisions)
        (self.batches, self.threads, self.rounds) = (batches, threads, rounds)
    }

    /// One measured combination of precision and batch size.
    private struct Cell {
        let precision: Precision
        let batch: Int
        /// The index of the timing of reading this precision's weights.
        let read: Int
    }

    /// The time for which each closure is run in a round, in seconds.
    private static let slice = 0.25

    /// Times the image towers, their matrix products alone, and reading their weights, in turns.
    ///
    /// It blocks the calling thread. Throws if the model cannot be read.
    package func run(_ reporter: ProgressReporter) throws -> EncoderReport {
        Workers.set(threads)
        let (name, encoders) = try towers(reporter)
        var cells: [Cell] = []
        var works: [() throws -> Void] = []
        var plain: [() throws -> Void] = []
        var reads: [() throws -> Void] = []
        for (precision, encoder) in encoders {
            do {
                let more = try measured(encoder, precision, read: reads.count)
                cells += more.map(\.cell)
                works += more.map(\.work)
                plain += more.map(\.plain)
            } catch let error as ComputeError {
                reporter.warn("\(precision.rawValue) is left out: \(error)")
                continue
            }
            // The time of reading the weights does not depend on the batch size, so it is measured once for each
            // precision.
            let read = WeightsRead(products(encoder.architecture.vision, pictures: 1), precision: precision)
            reads.append { read.run() }
        }
        let timings = try Rounds(count: rounds, slice: Self.slice).time(works + plain + reads) {
            reporter.progress("round \($0 + 1) of \(rounds)")
        }
        reporter.clear()
        let results = try zip(cells, works).enumerated().map { index, pair in
            let (cell, work) = pair
            let (timing, batch) = (timings[index], Double(cell.batch))
            return EncoderReport.Result(
                precision: cell.precision.rawValue, batch: cell.batch, threads: Workers.count,
                ms_per_image: timing.median / batch * 1e3, ms_fastest: timing.fastest / batch * 1e3,
                ms_slowest: timing.slowest / batch * 1e3, matmul_share: try productsShare(of: work),
                plain_products_ms: timings[works.count + index].median / batch * 1e3,
                weights_read_ms: timings[2 * works.count + cell.read].median / batch * 1e3)
        }
        return EncoderReport(
            model: name, onednn: ComputeLibrary.oneDNNVersion, isa: ComputeLibrary.instructionSet,
            products: ComputeLibrary.units, rounds: rounds, results: results)
    }

    /// Returns closures to time, for each batch size: the image tower, and its matrix products alone.
    ///
    /// Each runs once here, so that a precision that the CPU cannot compute throws `ComputeError`.
    private func measured(
        _ encoder: ImageEncoder, _ precision: Precision, read: Int
    ) throws -> [(cell: Cell, work: () throws -> Void, plain: () throws -> Void)] {
        let vision = encoder.architecture.vision
        return try batches.map { batch in
            let pictures = [Picture](repeating: picture(side: vision.side), count: batch)
            let products = try PlainProducts(products(vision, pictures: batch), precision: precision)
            _ = try encoder.encode(pictures)
            try products.run()
            return (
                Cell(precision: precision, batch: batch, read: read), { _ = try encoder.encode(pictures) },
                { try products.run() }
            )
        }
    }

    /// Returns the model's name for the report, and its image tower in each precision.
    private func towers(
        _ reporter: ProgressReporter
    ) throws -> (name: String, encoders: [(Precision, ImageEncoder)]) {
        if let model {
            let directory = try ModelDirectory(URL(filePath: model))
            let encoders = try precisions.compactMap { precision in
                try unlessMissing(precision, reporter) {
                    try ImageEncoder(directory.tensors, architecture: directory.architecture, precision: precision)
                }
            }
            return (directory.architecture.name, encoders)
        }
        let name = "\(architecture), random weights"
        guard let architecture = Architecture(named: architecture) else { return (name, []) }
        let weights = RandomModel(architecture)
        let encoders = try precisions.compactMap { precision in
            reporter.progress("weights of \(precision.rawValue)")
            return try unlessMissing(precision, reporter) {
                try ImageEncoder(weights, architecture: architecture, precision: precision)
            }
        }
        return (name, encoders)
    }

    /// Calls `make`, which builds an image tower; returns nil, with a warning, if the CPU cannot compute the precision.
    private func unlessMissing(
        _ precision: Precision, _ reporter: ProgressReporter, _ make: () throws -> ImageEncoder
    ) throws -> (Precision, ImageEncoder)? {
        do {
            return (precision.resolved, try make())
        } catch let error as ComputeError {
            reporter.warn("\(precision.rawValue) is left out: \(error)")
            return nil
        }
    }

    /// Returns a picture with varied pixels, as input for the benchmark.
    private func picture(side: Int) -> Picture {
        Picture(side: side, rgb: (0..<side * side * 3).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) })
    }

    /// Returns the shapes of the image tower's matrix products for a number of pictures.
    ///
    /// A tower that uses only the class token's output computes only that token after the last block's attention.
    private func products(_ vision: Architecture.Vision, pictures: Int) -> [PlainProducts.Shape] {
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

    /// Returns the share of a closure's time that is spent in the layers' matrix products.
    private func productsShare(of work: () throws -> Void) throws -> Double {
        var inside = 0.0
        let whole = try ContinuousClock().measure {
            inside = try ProductTime.measure { for _ in 0..<8 { try work() } }
        }
        return inside / (whole / .seconds(1))
    }
}
