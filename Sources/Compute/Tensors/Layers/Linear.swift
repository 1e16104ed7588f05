import CKernels
import COneDNN

/// The function that follows a linear layer's product and bias.
package enum Activation: Sendable {
    case none
    /// `x · sigmoid(1.702 x)`, OpenAI's QuickGELU.
    case quickGELU
    /// `x · Φ(x)`, exact.
    case gelu
    /// `0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))`.
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

/// The destination of a layer's result.
package enum LinearOutput: Sendable {
    /// A float32 matrix.
    case values
    /// Added to a float32 matrix.
    case residual
    /// Activations in the layer's own precision; a layer of int8 without an activation leaves its sums.
    case activations
}

/// A linear layer `y = activation(x · weightᵀ + bias)`, weights packed once: in panels, where the CPU has a unit of
/// ours for its precision and they fit its sizes, else for oneDNN.
///
/// Not Sendable: a layer serves one call at a time, on the compute executor.
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

    /// Packs the weights of a layer, or takes them as `packed` has them.
    ///
    /// weight `[outputs, inputs]` as `nn.Linear` stores it: only evaluated when it is not packed yet. bias `[outputs]`
    /// or none.
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

    /// A layer of float32.
    package convenience init(
        weight: [Float], bias: [Float]?, inputs: Int, outputs: Int, activation: Activation = .none,
        accumulate: Bool = false
    ) throws {
        try self.init(
            name: "", weight: { weight }, bias: bias, inputs: inputs, outputs: outputs, activation: activation,
            output: accumulate ? .residual : .values, precision: .f32, packed: nil)
    }

    /// The rows that the layer's product takes as they are.
    ///
    /// Rows one after the other serve, too: they are copied.
    package var takes: RowForm {
        switch product {
        case .panels(let layer): layer.takes
        case .oneDNN: .plain(precision)
        }
    }

    /// out `[rows, outputs]` from x `[rows, inputs]`: a layer of float32.
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

    /// Computes out `[rows, outputs]` from x `[rows, inputs]`; a layer of the kind `.residual` adds to what out holds.
    ///
    /// `scratch` keeps the whole-number sums of an int8 layer, if oneDNN computes it; else it is not used.
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

    /// out `[rows, outputs]` from x `[rows, inputs]`, as attention takes it; or, if there is an activation, as its
    /// reader does, in the layer's precision.
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

    /// The packed weights, as they lie in memory.
    var packedBytes: UnsafeRawBufferPointer {
        switch product {
        case .oneDNN(let layer): layer.packedBytes
        case .panels(let layer): layer.packedBytes
        }
    }
}

/// A product could not be computed: no memory, or a processor that oneDNN does not serve.
package struct ComputeError: Error, Equatable, CustomStringConvertible {
    package let what: String
    package let status: Int?
    package var description: String {
        "could not compute \(what)" + (status.map { " (oneDNN's status \($0))" } ?? "")
    }
}
