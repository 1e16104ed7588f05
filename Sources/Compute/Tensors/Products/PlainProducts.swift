import CKernels

/// The matrix products of a CLIP encoder by oneDNN alone, with nothing between them; benchmarks compare against it.
///
/// int8 products give int32 sums; bfloat16 products give bfloat16.
package final class PlainProducts {
    /// The sizes of one matrix product: `[rows, inputs]` times `[inputs, outputs]`.
    package struct Shape: Sendable {
        let rows: Int
        let inputs: Int
        let outputs: Int

        package init(rows: Int, inputs: Int, outputs: Int) {
            self.rows = rows
            self.inputs = inputs
            self.outputs = outputs
        }
    }

    private let products: [(rows: Int, layer: OneDNNLayer)]
    private let x: Activations
    private let out: Activations

    /// Makes one product for each shape, each with its own weights, so that the CPU caches help no more than in a real
    /// encoder.
    package init(_ shapes: [Shape], precision: Precision) throws {
        let most = shapes.reduce(1) { max($0, $1.rows) }
        let widest = shapes.reduce(1) { max($0, $1.inputs, $1.outputs) }
        products = try shapes.map { shape in
            let layer = try OneDNNLayer(
                "", { [Float](repeating: 0.01, count: shape.inputs * shape.outputs) }, bias: nil, inputs: shape.inputs,
                outputs: shape.outputs, activation: .none, output: .activations, precision: precision.resolved,
                packed: nil)
            return (shape.rows, layer)
        }
        x = Activations(columns: widest)
        x.convert(Matrix(rows: most, columns: widest), as: .plain(precision))
        out = Activations(columns: widest)
        out.prepare(rows: most, columns: widest, as: .plain(.f32))
    }

    /// Computes all products once, one after the other.
    package func run() throws {
        for product in products { try product.layer.run(x.base, out.base, rows: product.rows) }
    }
}
