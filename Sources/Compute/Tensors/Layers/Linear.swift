import CKernels
import COneDNN

/// The activation function that a linear layer applies to its result.
package enum Activation: Sendable {
    case none
    /// `x · sigmoid(1.702 x)`, OpenAI's QuickGELU.
    case quickGELU
    /// The exact GELU, `x · Φ(x)`.
    case gelu
    /// The approximate GELU, `0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))`.
    case tanhGELU

    var kind: ww_activation {
        switch self {
        case .none: WW_ACTIVATION_NONE
        case .quickGELU: WW_ACTIVATION_QUICK_GELU
        case .gelu: WW_ACTIVATION_GELU
        case .tanhGELU: WW_ACTIVATION_TANH_GELU
        }
    }
}

/// The kind of matrix that a linear layer writes its result to, fixed when the layer is made.
package enum LinearOutput: Sendable {
    /// A float32 matrix, which is overwritten.
    case values
    /// A float32 matrix; the result is added to its content, as in a residual connection.
    case residual
    /// An `Activations` matrix in the layer's precision; an int8 layer without activation function leaves int32 sums.
    case activations
}

/// A linear layer `y = activation(x · weightᵀ + bias)`; its weights are reordered for the CPU once, when it is made.
///
/// Watchword's own kernels (`PanelLayer`) multiply if the CPU has instructions for the precision and the sizes fit;
/// otherwise oneDNN does. Not Sendable: a layer serves one call at a time, on the compute executor.
package final class Linear {
    package let inputs: Int
    package let outputs: Int
    package let precision: Precision
    private let activation: Activation
    private let output: LinearOutput
    private let product: Product

    private enum Product {
        case oneDNN(OneDNNLayer)
        case panels(PanelLayer)
    }

    /// Makes a layer; its weights come from the cache file `packed` if they are in it, otherwise from `weight`.
    ///
    /// `weight` returns `[outputs, inputs]`, as PyTorch's `nn.Linear` stores it, and is called only if the cache lacks
    /// the layer `name`. `bias` is `[outputs]` or nil. Throws if a row is too long for a precision below float32.
    package init(
        name: String, weight: () throws -> [Float], bias: [Float]?, inputs: Int, outputs: Int,
        activation: Activation = .none, output: LinearOutput = .values, precision: Precision, packed: PackedWeights?
    ) throws {
        precondition((bias?.count ?? outputs) == outputs && (output != .residual || activation == .none))
        let precision = precision.resolved
        self.inputs = inputs
        self.outputs = outputs
        self.precision = precision
        self.activation = activation
        self.output = output
        guard precision == .f32 || max(inputs, outputs) <= WW_LONGEST_ROW else {
            throw ComputeError(what: "\(precision.rawValue) layers of \(inputs) x \(outputs)", status: nil)
        }
        func read() throws -> [Float] {
            let weight = try weight()
            precondition(weight.count == inputs * outputs)
            return weight
        }
        let plain = output == .activations || activation == .none
        if PanelLayer.fits(precision, inputs: inputs, outputs: outputs, plain: plain) {
            product = .panels(
                try PanelLayer(
                    name, read, bias: bias, inputs: inputs, outputs: outputs, precision: precision, packed: packed))
        } else {
            product = .oneDNN(
                try OneDNNLayer(
                    name, read, bias: bias, inputs: inputs, outputs: outputs, activation: activation, output: output,
                    precision: precision, packed: packed))
        }
        packed?.keep(name, self)
    }

    /// Makes a float32 layer; with `accumulate`, it adds its result to the output matrix.
    package convenience init(
        weight: [Float], bias: [Float]?, inputs: Int, outputs: Int, activation: Activation = .none,
        accumulate: Bool = false
    ) throws {
        try self.init(
            name: "", weight: { weight }, bias: bias, inputs: inputs, outputs: outputs, activation: activation,
            output: accumulate ? .residual : .values, precision: .f32, packed: nil)
    }

    /// The number type and layout of input rows that the layer reads without converting them.
    ///
    /// Input rows of the same number type that follow one another are also accepted; the layer copies them.
    package var takes: RowForm {
        switch product {
        case .panels(let layer): layer.takes
        case .oneDNN: .plain(precision)
        }
    }

    /// Computes `out` `[rows, outputs]` from `x` `[rows, inputs]`; only for a float32 layer.
    package func callAsFunction(_ x: Matrix, into out: Matrix) throws(ComputeError) {
        precondition(x.columns == inputs && out.columns == outputs && x.rows == out.rows)
        precondition(precision == .f32)
        switch product {
        case .panels(let layer):
            try layer.run(x, out, rows: x.rows, activation: activation.kind, adding: output == .residual)
        case .oneDNN(let layer):
            try layer.run(x.base, out.base, rows: x.rows)
        }
    }

    /// Computes `out` `[rows, outputs]` from `x` `[rows, inputs]`; a layer with output `.residual` adds to `out`.
    ///
    /// `scratch` is used only by int8 layers that oneDNN computes: it holds their int32 sums.
    package func callAsFunction(_ x: Activations, into out: Matrix, scratch: Activations) throws(ComputeError) {
        precondition(x.columns == inputs && out.columns == outputs && x.rows == out.rows && output != .activations)
        switch product {
        case .panels(let layer):
            try layer.run(x, out, rows: x.rows, activation: activation.kind, adding: output == .residual)
        case .oneDNN(let layer):
            guard precision == .int8 else { return try layer.run(x.base, out.base, rows: x.rows) }
            scratch.prepareSums(of: layer, from: x)
            try layer.run(x.base, scratch.base, rows: x.rows)
            scratch.withNumbers { sums in
                if output == .residual {
                    ww_add_sums(out.base, sums, x.rows, outputs)
                } else {
                    out.withNumbers { ww_finish_sums($0, sums, activation.kind, x.rows, outputs) }
                }
            }
        }
    }

    /// Computes `out` `[rows, outputs]` from `x` `[rows, inputs]`; only for a layer with output `.activations`.
    ///
    /// With an activation function, `out` gets `form`. Without one, `out` gets the number type that attention reads.
    /// `scratch` holds the numbers of an int8 layer before they become bytes.
    package func callAsFunction(
        _ x: Activations, into out: Activations, as form: RowForm? = nil, scratch: Activations
    ) throws(ComputeError) {
        precondition(x.columns == inputs && out.columns == outputs && output == .activations)
        let quantised = precision == .int8 && activation != .none
        let form = form ?? .plain(precision)
        precondition(form.kind == precision.kind && (activation != .none || !form.inBlocks))
        switch product {
        case .panels(let layer):
            let values = quantised ? scratch : out
            values.prepare(
                rows: x.rows, columns: outputs,
                as: quantised || activation == .none ? RowForm(kind: layer.activations) : form)
            try layer.run(x, values, rows: x.rows, activation: activation.kind)
            guard quantised else { return }
            out.prepare(rows: x.rows, columns: outputs, as: form)
            out.withNumbers { out in scratch.withNumbers { ww_requantise(out, $0, x.rows, outputs) } }
        case .oneDNN(let layer):
            guard precision == .int8 else {
                out.prepare(rows: x.rows, columns: outputs, as: .plain(precision))
                return try layer.run(x.base, out.base, rows: x.rows)
            }
            let sums = quantised ? scratch : out
            sums.prepareSums(of: layer, from: x)
            try layer.run(x.base, sums.base, rows: x.rows)
            guard quantised else { return }
            out.prepare(rows: x.rows, columns: outputs, as: .plain(precision))
            scratch.withNumbers { sums in
                out.withNumbers { ww_finish_sums($0, sums, activation.kind, x.rows, outputs) }
            }
        }
    }

    /// The bytes of the weights as reordered for the CPU; they are written to the cache file.
    var packedBytes: UnsafeRawBufferPointer {
        switch product {
        case .oneDNN(let layer): layer.packedBytes
        case .panels(let layer): layer.packedBytes
        }
    }
}

/// The error of a matrix product that failed: out of memory, or a CPU that oneDNN does not support.
package struct ComputeError: Error, Equatable, CustomStringConvertible {
    package let what: String
    package let status: Int?
    package var description: String {
        "could not compute \(what)" + (status.map { " (oneDNN's status \($0))" } ?? "")
    }
}
