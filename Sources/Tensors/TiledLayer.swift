import CKernels
import COneDNN

/// A layer's product by the CPU's tiles (AMX), with all that follows it.
final class TiledLayer {
    private let inputs: Int
    private let outputs: Int
    private let kind: ww_kind
    private let bias: [Float]
    private let memory: Memory

    private enum Memory {
        case owned(UnsafeMutableRawBufferPointer)
        case mapped(UnsafeRawBufferPointer, PackedWeights)
    }

    static func fits(_ precision: Precision, inputs: Int, outputs: Int) -> Bool {
        ww_tiled_fits(precision.kind, inputs, outputs) != 0
    }

    init(
        _ name: String, _ weight: () throws -> [Float], bias: [Float]?, inputs: Int, outputs: Int, precision: Precision,
        packed: PackedWeights?
    ) throws {
        kind = precision.kind
        self.inputs = inputs
        self.outputs = outputs
        self.bias = bias ?? [Float](repeating: 0, count: outputs)
        let size = ww_tiled_size(kind, inputs, outputs)
        if let packed, let found = packed.find(name), found.count == size {
            memory = .mapped(found, packed)
            return
        }
        let weight = try weight()
        let own = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        ww_tiled_pack(own.baseAddress, kind, weight, inputs, outputs)
        memory = .owned(own)
    }

    deinit {
        if case .owned(let own) = memory { own.deallocate() }
    }

    func run(_ x: Activations, _ out: UnsafePointer<ww_numbers>, curve: ww_curve, adding: Bool) {
        guard x.rows > 0 else { return }
        precondition(x.kind == kind && x.columns == inputs)
        let began = ww_products_timed() != 0 ? ContinuousClock.now : nil
        bias.withUnsafeBufferPointer { bias in
            var layer = ww_tiled(
                input: kind, K: inputs, N: outputs, packed: packedBytes.baseAddress, bias: bias.baseAddress)
            x.withNumbers { ww_tiled_run(&layer, out, $0, curve, adding ? 1 : 0, x.rows) }
        }
        if let began { ww_products_add(Int64((ContinuousClock.now - began) / .nanoseconds(1))) }
    }

    var packedBytes: UnsafeRawBufferPointer {
        switch memory {
        case .owned(let own): UnsafeRawBufferPointer(own)
        case .mapped(let found, _): found
        }
    }
}
