import CKernels

/// Layer normalisation of each row: `(x - mean) / sqrt(variance + epsilon) · weight + bias`, with biased variance.
package struct LayerNorm {
    private let weight: [Float]
    private let bias: [Float]
    private let epsilon: Float

    /// Makes a layer from its weight and bias, `[width]` each; `epsilon` is added to the variance.
    package init(weight: [Float], bias: [Float], epsilon: Float) {
        precondition(weight.count == bias.count)
        self.weight = weight
        self.bias = bias
        self.epsilon = epsilon
    }

    /// Normalises the rows of `x` `[rows, width]` into `out` of the same size; `out` may be `x`.
    package func callAsFunction(_ x: Matrix, into out: Matrix) {
        precondition(x.columns == weight.count && out.columns == x.columns && out.rows == x.rows)
        out.withNumbers { ww_layer_norm($0, x.base, weight, bias, epsilon, x.rows, x.columns) }
    }

    /// Normalises the rows of `x` `[rows, width]` and stores them in `out`, in the number type and layout of `form`.
    package func callAsFunction(_ x: Matrix, into out: Activations, as form: RowForm) {
        precondition(x.columns == weight.count && out.columns == x.columns)
        out.prepare(rows: x.rows, columns: x.columns, as: form)
        out.withNumbers { ww_layer_norm($0, x.base, weight, bias, epsilon, x.rows, x.columns) }
    }
}
