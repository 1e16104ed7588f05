import CKernels

/// Layer normalisation over the last axis: biased variance, epsilon inside the root, affine.
package struct LayerNorm {
    private let weight: [Float]
    private let bias: [Float]
    private let epsilon: Float

    /// Takes weight and bias `[width]`; `epsilon` is added to the variance.
    package init(weight: [Float], bias: [Float], epsilon: Float) {
        precondition(weight.count == bias.count)
        self.weight = weight
        self.bias = bias
        self.epsilon = epsilon
    }

    /// Writes out `[rows, width]` from x `[rows, width]`; `out` may be `x`.
    package func callAsFunction(_ x: Matrix, into out: Matrix) {
        precondition(x.columns == weight.count && out.columns == x.columns && out.rows == x.rows)
        out.withNumbers { ww_layer_norm($0, x.base, weight, bias, epsilon, x.rows, x.columns) }
    }

    /// Writes out `[rows, width]` from x `[rows, width]`, in the form that its next reader takes.
    package func callAsFunction(_ x: Matrix, into out: Activations, as form: RowForm) {
        precondition(x.columns == weight.count && out.columns == x.columns)
        out.prepare(rows: x.rows, columns: x.columns, as: form)
        out.withNumbers { ww_layer_norm($0, x.base, weight, bias, epsilon, x.rows, x.columns) }
    }
}
