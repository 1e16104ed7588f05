import CKernels
import COneDNN

/// What follows a linear layer's product and bias.
package enum Activation: Sendable {
    case none
    /// `x · sigmoid(1.702 x)`, OpenAI's QuickGELU.
    case quickGELU
    /// `x · Φ(x)`, exact.
    case gelu

    fileprivate var layer: ww_activation {
        switch self {
        case .none: WW_ACTIVATION_NONE
        case .quickGELU: WW_ACTIVATION_QUICK_GELU
        case .gelu: WW_ACTIVATION_GELU
        }
    }

    fileprivate var curve: ww_curve {
        switch self {
        case .none: WW_LINE
        case .quickGELU: WW_QUICK_GELU
        case .gelu: WW_GELU
        }
    }
}

/// Where the result of a layer goes.
package enum LinearOutput: Sendable {
    /// A float32 matrix.
    case values
    /// Added to a float32 matrix.
    case residual
    /// Activations in the layer's own precision; a layer of int8 without an activation leaves its sums.
    case activations
}

/// A linear layer `y = activation(x · weightᵀ + bias)`, weights packed once for oneDNN.
///
/// Not Sendable: a layer serves one call at a time, on the compute executor.
package final class Linear {
    package let inputs: Int
    package let outputs: Int
    package let precision: Precision
    private let activation: Activation
    private let output: LinearOutput
    private let handle: OpaquePointer
    /// Keeps the mapped file alive that packed weights lie in.
    private let packed: PackedWeights?

    /// Packs the weights of a layer, or takes them as `packed` has them.
    ///
    /// weight `[outputs, inputs]` as `nn.Linear` stores it: only evaluated when it is not packed yet. bias `[outputs]` or
    /// none.
    package init(
        name: String, weight: () throws -> [Float], bias: [Float]?, inputs: Int, outputs: Int,
        activation: Activation = .none, output: LinearOutput = .values, precision: Precision, packed: PackedWeights?
    ) throws {
        precondition((bias?.count ?? outputs) == outputs)
        let precision = precision.resolved
        let number: ww_number =
            switch (precision, output) {
            case (.int8, _): WW_NUMBER_S32
            case (.bf16, .activations): WW_NUMBER_BF16
            default: WW_NUMBER_F32
            }
        let shape = ww_linear_shape(
            inputs: Int64(inputs), outputs: Int64(outputs), input: precision.number, output: number,
            activation: precision == .int8 ? WW_ACTIVATION_NONE : activation.layer,
            accumulate: output == .residual ? 1 : 0)
        let failure = ComputeError(what: "a linear layer of \(inputs) x \(outputs)", status: nil)
        if let found = packed?.find(name),
            let made = ww_linear_create(shape, nil, bias, found.baseAddress, found.count)
        {
            handle = made
            self.packed = packed
        } else {
            let weight = try weight()
            precondition(weight.count == inputs * outputs)
            guard let made = ww_linear_create(shape, weight, bias, nil, 0) else { throw failure }
            handle = made
            self.packed = nil
        }
        self.inputs = inputs
        self.outputs = outputs
        self.precision = precision
        self.activation = activation
        self.output = output
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

    deinit { ww_linear_destroy(handle) }

    /// out `[rows, outputs]` from x `[rows, inputs]`: a layer of float32.
    package func callAsFunction(_ x: Matrix, into out: Matrix) throws(ComputeError) {
        precondition(x.columns == inputs && out.columns == outputs && x.rows == out.rows && precision == .f32)
        try run(x.base, out.base, rows: x.rows)
    }

    /// out `[rows, outputs]` from x `[rows, inputs]`, or added to it; `scratch` holds sums.
    package func callAsFunction(_ x: Activations, into out: Matrix, scratch: Activations) throws(ComputeError) {
        precondition(x.columns == inputs && out.columns == outputs && x.rows == out.rows && output != .activations)
        guard precision == .int8 else { return try run(x.base, out.base, rows: x.rows) }
        scratch.prepareSums(of: self, from: x)
        try run(x.base, scratch.base, rows: x.rows)
        scratch.withNumbers { sums in
            if output == .residual {
                ww_add_sums(out.base, sums, x.rows, outputs)
            } else {
                out.withNumbers { ww_finish_sums($0, sums, activation.curve, x.rows, outputs) }
            }
        }
    }

    /// out `[rows, outputs]` from x `[rows, inputs]`, in the layer's precision.
    package func callAsFunction(_ x: Activations, into out: Activations, scratch: Activations) throws(ComputeError) {
        precondition(x.columns == inputs && out.columns == outputs && output == .activations)
        guard precision == .int8 else {
            out.prepare(rows: x.rows, columns: outputs, kind: precision.kind)
            return try run(x.base, out.base, rows: x.rows)
        }
        guard activation != .none else {
            out.prepareSums(of: self, from: x)
            return try run(x.base, out.base, rows: x.rows)
        }
        scratch.prepareSums(of: self, from: x)
        try run(x.base, scratch.base, rows: x.rows)
        out.prepare(rows: x.rows, columns: outputs, kind: WW_U8)
        scratch.withNumbers { sums in
            out.withNumbers { ww_finish_sums($0, sums, activation.curve, x.rows, outputs) }
        }
    }

    private func run(_ x: UnsafeRawPointer, _ out: UnsafeMutableRawPointer, rows: Int) throws(ComputeError) {
        guard rows > 0 else { return }
        let status = ww_linear_run(handle, x, out, Int64(rows))
        guard status == 0 else {
            throw ComputeError(what: "a product of \(rows) x \(inputs) x \(outputs)", status: Int(status))
        }
    }

    /// What the sums of each output are worth.
    var sumColumns: ww_columns {
        let scales = ww_linear_scales(handle)
        return ww_columns(scale: scales, offset: scales.map { $0 + outputs }, bias: ww_linear_bias(handle))
    }

    /// The packed weights, as they lie in memory.
    var packedBytes: UnsafeRawBufferPointer {
        var size = 0
        let base = ww_linear_packed(handle, &size)
        return UnsafeRawBufferPointer(start: base, count: size)
    }
}

/// oneDNN could not compute: no memory, or a processor it does not serve.
package struct ComputeError: Error, Equatable, CustomStringConvertible {
    package let what: String
    package let status: Int?
    package var description: String {
        "oneDNN could not compute \(what)" + (status.map { " (status \($0))" } ?? "")
    }
}
