import CKernels

/// A tower's matrix products by oneDNN alone, without what comes between them: the comparison for benchmarks.
///
/// Products of bytes leave their sums; products of bfloat16 give bfloat16.
package final class PlainProducts {
    /// The sizes of a product of `rows` rows.
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

    /// Makes the products, each with weights of its own, so that caches hold no more of them than in a tower.
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

    /// Runs all products, one after the other.
    package func run() throws {
        for product in products { try product.layer.run(x.base, out.base, rows: product.rows) }
    }
}
