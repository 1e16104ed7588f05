import CKernels
import COneDNN

/// A linear layer that oneDNN computes.
///
/// If oneDNN cannot multiply bfloat16 on this CPU, the inputs and weights are converted to float32.
final class OneDNNLayer {
    private let inputs: Int
    let outputs: Int
    /// `input` is true if bfloat16 input is converted to float32 first; `output` if float32 results become bfloat16.
    private let widens: (input: Bool, output: Bool)
    private var wide: (x: [Float], out: [Float]) = ([], [])
    private let handle: OpaquePointer
    /// The memory-mapped cache file of the weights, kept open while the layer reads it; nil if the layer owns its
    /// weights.
    private let packed: PackedWeights?

    init(
        _ name: String, _ weight: () throws -> [Float], bias: [Float]?, inputs: Int, outputs: Int,
        activation: Activation, output: LinearOutput, precision: Precision, packed: PackedWeights?
    ) throws {
        let isWide = precision == .bf16 && !ComputeLibrary.hasHalves
        widens = (isWide, isWide && output == .activations)
        let number: ww_kind =
            switch (precision, output) {
            case (.int8, _): WW_S32
            case (.bf16, .activations) where !isWide: WW_BF16
            default: WW_F32
            }
        let shape = ww_linear_shape(
            inputs: Int64(inputs), outputs: Int64(outputs), input: isWide ? WW_F32 : precision.kind,
            output: number,
            activation: precision == .int8 ? WW_ACTIVATION_NONE : activation.kind,
            accumulate: output == .residual ? 1 : 0)
        self.inputs = inputs
        self.outputs = outputs
        if let found = packed?.find(name), let made = ww_linear_create(shape, nil, bias, found.baseAddress, found.count)
        {
            handle = made
            self.packed = packed
            return
        }
        var weight = try weight()
        if isWide { weight = weight.map { BFloat16.rounded($0) } }
        guard let made = ww_linear_create(shape, weight, bias, nil, 0) else {
            let how = "\(precision.rawValue) with \(ComputeLibrary.instructionSet)"
            throw ComputeError(what: "a layer of \(inputs) x \(outputs) in \(how)", status: nil)
        }
        handle = made
        self.packed = nil
    }

    deinit { ww_linear_destroy(handle) }

    func run(_ x: UnsafeRawPointer, _ out: UnsafeMutableRawPointer, rows: Int) throws(ComputeError) {
        guard rows > 0 else { return }
        let status = widens.input ? runWide(x, out, rows) : ww_linear_run(handle, x, out, Int64(rows))
        guard status == 0 else {
            throw ComputeError(what: "a product of \(rows) x \(inputs) x \(outputs)", status: Int(status))
        }
    }

    private func runWide(_ x: UnsafeRawPointer, _ out: UnsafeMutableRawPointer, _ rows: Int) -> Int32 {
        let halves = UnsafeBufferPointer(start: x.assumingMemoryBound(to: UInt16.self), count: rows * inputs)
        wide.x = halves.map { BFloat16.float($0) }
        guard widens.output else { return ww_linear_run(handle, wide.x, out, Int64(rows)) }
        wide.out = [Float](repeating: 0, count: rows * outputs)
        let status = ww_linear_run(handle, wide.x, &wide.out, Int64(rows))
        let narrow = out.assumingMemoryBound(to: UInt16.self)
        for (place, value) in wide.out.enumerated() { narrow[place] = BFloat16.bits(value) }
        return status
    }

    /// The numbers that turn each output's int32 sum into a float32 value: scale, offset and bias.
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

/// Converts float32 to bfloat16 (its upper 16 bits), rounded to the nearest, ties to even, and back.
private enum BFloat16 {
    static func bits(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }
    static func float(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
    static func rounded(_ value: Float) -> Float { float(bits(value)) }
}
