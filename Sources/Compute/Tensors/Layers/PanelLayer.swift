import CKernels
import COneDNN

/// A linear layer computed by Watchword's own kernels, which read the weights as panels: blocks of 32 outputs.
///
/// The kernels use AMX tiles, AVX-512 or AVX2, and also apply the bias and the activation function.
final class PanelLayer {
    private let inputs: Int
    private let outputs: Int
    private let kind: ww_kind
    private let unit: ww_panel_unit
    private let bias: [Float]
    private let memory: Memory

    private enum Memory {
        case owned(UnsafeMutableRawBufferPointer)
        case mapped(UnsafeRawBufferPointer, PackedWeights)
    }

    /// Returns the instructions (AMX, AVX-512, AVX2 or none) with which Watchword's own kernels multiply on this CPU.
    ///
    /// oneDNN's environment variable `DNNL_MAX_CPU_ISA` limits this choice, too. An unknown name in it limits nothing.
    static func unit(_ precision: Precision) -> ww_panel_unit {
        let unit = ww_panel_unit_of(precision.kind)
        return switch ComputeLibrary.instructionSet {
        case "sse41", "avx": WW_PANEL_NONE
        case "avx2", "avx2_vnni", "avx2_vnni_2":
            unit == WW_PANEL_NONE || precision.kind == WW_U8 ? WW_PANEL_NONE : WW_PANEL_AVX2
        case "avx512_core" where precision.kind != WW_F32: WW_PANEL_NONE
        case "avx512_core_vnni" where precision.kind == WW_BF16: WW_PANEL_NONE
        case "avx512_core", "avx512_core_vnni", "avx512_core_bf16", "avx512_core_fp16":
            unit == WW_PANEL_TILES ? WW_PANEL_NONE : unit
        default: unit
        }
    }

    /// Returns true if Watchword's own kernels can compute a layer of this precision and size on this CPU.
    ///
    /// `plain` is true if the layer has no activation function or writes `Activations` rather than float32.
    static func fits(_ precision: Precision, inputs: Int, outputs: Int, plain: Bool) -> Bool {
        // The AMX kernel cannot apply an activation function to a float32 result.
        let unit = unit(precision)
        return unit != WW_PANEL_NONE && (plain || unit != WW_PANEL_TILES)
            && ww_panel_fits(precision.kind, inputs, outputs) != 0
    }

    init(
        _ name: String, _ weight: () throws -> [Float], bias: [Float]?, inputs: Int, outputs: Int, precision: Precision,
        packed: PackedWeights?
    ) throws {
        kind = precision.kind
        unit = Self.unit(precision)
        self.inputs = inputs
        self.outputs = outputs
        self.bias = bias ?? [Float](repeating: 0, count: outputs)
        let size = ww_panel_size(kind, inputs, outputs)
        if let packed, let found = packed.find(name), found.count == size {
            memory = .mapped(found, packed)
            return
        }
        let weight = try weight()
        let own = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        ww_panel_pack(own.baseAddress, kind, weight, inputs, outputs)
        memory = .owned(own)
    }

    deinit {
        if case .owned(let own) = memory { own.deallocate() }
    }

    /// The number type and layout of input rows that the layer reads without converting them.
    var takes: RowForm {
        RowForm(kind: kind, inBlocks: unit != WW_PANEL_TILES && inputs <= WW_LONGEST_BLOCKED)
    }

    /// The number type that the layer writes for attention, and that an int8 layer's results have before they become
    /// bytes.
    var activations: ww_kind { unit == WW_PANEL_TILES ? WW_BF16 : WW_F32 }

    /// Computes `activation(x · weightᵀ + bias)` and stores it in `out` `[rows, outputs]`, or adds it if `adding`.
    ///
    /// `x` is `[rows, inputs]`. Throws if there is no memory.
    func run(
        _ x: some Numbers, _ out: some Numbers, rows: Int, activation: ww_activation = WW_ACTIVATION_NONE,
        adding: Bool = false
    ) throws(ComputeError) {
        guard rows > 0 else { return }
        let began = ww_products_timed() != 0 ? ContinuousClock.now : nil
        let status = x.withNumbers { x in
            precondition(x.pointee.kind == kind && (x.pointee.blocked == 0 || takes.inBlocks))
            return out.withNumbers { out in
                bias.withUnsafeBufferPointer { bias in
                    var layer = ww_panels(
                        unit: unit, input: kind, K: inputs, N: outputs, packed: packedBytes.baseAddress,
                        bias: bias.baseAddress)
                    return ww_panel_run(&layer, out, x, activation, adding ? 1 : 0, rows)
                }
            }
        }
        if let began { ww_products_add(Int64((ContinuousClock.now - began) / .nanoseconds(1))) }
        guard status == 0 else {
            throw ComputeError(what: "a product of \(rows) x \(inputs) x \(outputs), for want of memory", status: nil)
        }
    }

    var packedBytes: UnsafeRawBufferPointer {
        switch memory {
        case .owned(let own): UnsafeRawBufferPointer(own)
        case .mapped(let found, _): found
        }
    }
}
