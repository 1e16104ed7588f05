import COneDNN

/// What follows a linear layer's product and bias.
package enum Activation: Sendable {
    case none
    /// `x · sigmoid(1.702 x)`, OpenAI's QuickGELU.
    case quickGELU
    /// `x · Φ(x)`, exact.
    case gelu
}

/// A linear layer `y = activation(x · weightᵀ + bias)`, weights packed once for oneDNN.
///
/// Not Sendable: a layer serves one call at a time, on the compute executor.
package final class Linear {
    package let inputs: Int
    package let outputs: Int
    private let handle: OpaquePointer

    /// Packs the weights of a layer.
    ///
    /// weight `[outputs, inputs]` as `nn.Linear` stores it, bias `[outputs]` or none. With `accumulate`, the result is
    /// added to what `out` holds.
    package init(
        weight: [Float], bias: [Float]?, inputs: Int, outputs: Int, activation: Activation = .none,
        accumulate: Bool = false
    ) throws(ComputeError) {
        precondition(weight.count == inputs * outputs && (bias?.count ?? outputs) == outputs)
        let kind =
            switch activation {
            case .none: WW_ACTIVATION_NONE
            case .quickGELU: WW_ACTIVATION_QUICK_GELU
            case .gelu: WW_ACTIVATION_GELU
            }
        guard
            let made = ww_linear_create(weight, bias, Int64(inputs), Int64(outputs), kind, accumulate ? 1 : 0)
        else { throw ComputeError(what: "a linear layer of \(inputs) x \(outputs)", status: nil) }
        handle = made
        self.inputs = inputs
        self.outputs = outputs
    }

    deinit { ww_linear_destroy(handle) }

    /// out `[rows, outputs]` from x `[rows, inputs]`.
    package func callAsFunction(_ x: Matrix, into out: Matrix) throws(ComputeError) {
        precondition(x.columns == inputs && out.columns == outputs && x.rows == out.rows)
        guard x.rows > 0 else { return }
        let status = ww_linear_run(handle, x.base, out.base, Int64(x.rows))
        guard status == 0 else {
            throw ComputeError(what: "a product of \(x.rows) x \(inputs) x \(outputs)", status: Int(status))
        }
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

/// What computes here, for `doctor` and benchmarks.
package enum ComputeLibrary {
    package static var oneDNNVersion: String {
        let version = ww_onednn_version()
        return "\(version / 10000).\(version / 100 % 100).\(version % 100)"
    }
    package static var instructionSet: String { String(cString: ww_onednn_isa()) }
}
