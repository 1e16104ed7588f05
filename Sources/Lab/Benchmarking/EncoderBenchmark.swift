import CLIP
import Foundation
import Pixels
package import Printing
package import Tensors

/// Times the image tower in several precisions and batches.
package struct EncoderBenchmark: Sendable {
    /// A model directory; nil means random weights of `architecture`.
    package let model: String?
    /// The name of an architecture.
    package let architecture: String
    package let precisions: [Precision]
    /// The batch sizes to measure, in pictures a call.
    package let batches: [Int]
    /// The threads of matrix products; 0 means all cores.
    package let threads: Int
    package let rounds: Int

    package init(
        model: String?, architecture: String, precisions: [Precision], batches: [Int], threads: Int, rounds: Int
    ) {
        (self.model, self.architecture, self.precisions) = (model, architecture, precisions)
        (self.batches, self.threads, self.rounds) = (batches, threads, rounds)
    }

    /// A tower measured at one batch size.
    private struct Cell {
        let precision: Precision
        let batch: Int
        /// The index of the measured read of the precision's weights.
        let read: Int
    }

    /// The seconds that each work runs in a round.
    private static let slice = 0.25

    /// Times towers, the same products alone, and the read of the weights, all in turns.
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
            // The weights are the same whatever the batch is.
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

    /// Returns the work to time, for each batch size; each has run once, so that a missing precision throws here.
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

    /// The model's name in the report, and its image tower in each precision.
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

    /// A precision's tower; nil, with a warning, where the CPU has not what it takes.
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

    /// A picture with varied pixels.
    private func picture(side: Int) -> Picture {
        Picture(side: side, rgb: (0..<side * side * 3).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) })
    }

    /// The tower's matrix products; if only class tokens are pooled, only these leave the last block's attention.
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

    /// The share of a work's time that is spent in its layers' matrix products.
    private func productsShare(of work: () throws -> Void) throws -> Double {
        var inside = 0.0
        let whole = try ContinuousClock().measure {
            inside = try ProductTime.measure { for _ in 0..<8 { try work() } }
        }
        return inside / (whole / .seconds(1))
    }
}
