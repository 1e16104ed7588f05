import CKernels
import COneDNN

/// The kind of number in a tower's matrix products.
///
/// LayerNorm, softmax, residuals and the projection into the joint space are float32 in every precision.
package enum Precision: String, Sendable, CaseIterable, Codable {
    /// Chosen for the CPU and the model: bf16 where the CPU multiplies it natively and it pays, else f32.
    ///
    /// `Precision.resolved(for:)` in CLIP decides.
    case auto
    case f32
    /// Products of bfloat16, summed in float32.
    case bf16
    /// Weights as bytes with a scale an output; activations as bytes with a scale a token, quantised as they are made.
    case int8

    /// The precision that `auto` means on this CPU; never `auto`.
    package var resolved: Precision {
        guard self == .auto else { return self }
        let native = ["avx512_core_bf16", "avx512_core_fp16", "avx512_core_amx", "avx512_core_amx_fp16"]
        return native.contains(ComputeLibrary.instructionSet) ? .bf16 : .f32
    }

    var kind: ww_kind {
        switch resolved {
        case .bf16: WW_BF16
        case .int8: WW_U8
        default: WW_F32
        }
    }

    /// The size in bytes of a number that products read.
    var bytes: Int {
        switch resolved {
        case .bf16: 2
        case .int8: 1
        default: 4
        }
    }
}

/// The library and the instructions that compute here, as `doctor` and benchmarks print them.
package enum ComputeLibrary {
    package static var oneDNNVersion: String {
        let version = ww_onednn_version()
        return "\(version / 10000).\(version / 100 % 100).\(version % 100)"
    }
    package static var instructionSet: String { String(cString: ww_onednn_isa()) }

    /// The kernels that multiply a layer's weights here, for each precision.
    package static var units: String {
        let units = [Precision.f32, .bf16, .int8].map { precision in
            let name =
                switch PanelLayer.unit(precision) {
                case WW_PANEL_TILES: "tiles"
                case WW_PANEL_AVX512, WW_PANEL_AVX2: "vectors"
                default: "oneDNN"
                }
            return "\(precision.rawValue) by \(name)"
        }
        return units.joined(separator: ", ")
    }

    /// The units, and the versions of the two layouts of packed weights: panels, and slabs for oneDNN.
    package static var layouts: String { units + ", panels 1, slabs 1" }

    /// Whether oneDNN multiplies bfloat16 on this CPU.
    static let hasHalves = !["sse41", "avx", "avx2", "avx2_vnni", "avx2_vnni_2"].contains(instructionSet)

    /// The largest byte of an activation: 255, or 127 without VNNI, where sums of two byte products would saturate.
    static let topByte: Int32 = ["sse41", "avx", "avx2", "avx512_core"].contains(instructionSet) ? 127 : 255
}
