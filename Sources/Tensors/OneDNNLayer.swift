import CKernels
import COneDNN

/// A layer's product by oneDNN.
final class OneDNNLayer {
    private let inputs: Int
    let outputs: Int
    private let handle: OpaquePointer
    /// Keeps the mapped file alive that packed weights lie in.
    private let packed: PackedWeights?

    init(
        _ name: String, _ weight: () throws -> [Float], bias: [Float]?, inputs: Int, outputs: Int,
        activation: Activation, output: LinearOutput, precision: Precision, packed: PackedWeights?
    ) throws {
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
        self.inputs = inputs
        self.outputs = outputs
        if let found = packed?.find(name), let made = ww_linear_create(shape, nil, bias, found.baseAddress, found.count)
        {
            handle = made
            self.packed = packed
            return
        }
        guard let made = ww_linear_create(shape, try weight(), bias, nil, 0) else {
            let how = "\(precision.rawValue) with \(ComputeLibrary.instructionSet)"
            throw ComputeError(what: "a layer of \(inputs) x \(outputs) in \(how)", status: nil)
        }
        handle = made
        self.packed = nil
    }

    deinit { ww_linear_destroy(handle) }

    func run(_ x: UnsafeRawPointer, _ out: UnsafeMutableRawPointer, rows: Int) throws(ComputeError) {
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

    var packedBytes: UnsafeRawBufferPointer {
        var size = 0
        let base = ww_linear_packed(handle, &size)
        return UnsafeRawBufferPointer(start: base, count: size)
    }
}
