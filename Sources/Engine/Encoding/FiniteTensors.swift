import Checkpoints

/// Reads a model's tensors, and throws an error if one contains NaN or infinity.
///
/// A weights file may be well formed and still damaged. The resulting embeddings would look like any others.
struct FiniteTensors: TensorSource {
    let base: any TensorSource
    var origin: String { base.origin }
    var tensors: [String: TensorInfo] { base.tensors }

    init(_ base: any TensorSource) { self.base = base }

    func floats(_ name: String) throws(CheckpointError) -> [Float] { try checked(name, base.floats(name)) }

    func floats(_ name: String, elements: Range<Int>) throws(CheckpointError) -> [Float] {
        try checked(name, base.floats(name, elements: elements))
    }

    private func checked(_ name: String, _ values: [Float]) throws(CheckpointError) -> [Float] {
        // Infinity and NaN have the largest of all exponents; a maximum of integers is fast.
        var exponent: UInt32 = 0
        for value in values { exponent = max(exponent, value.bitPattern & 0x7F80_0000) }
        guard exponent < 0x7F80_0000 else {
            throw CheckpointError(origin, .malformed("tensor \"\(name)\" holds values that are no numbers"))
        }
        return values
    }
}
