import CKernels
import COneDNN

/// The number type of the matrix products in a CLIP image or text encoder.
///
/// LayerNorm, softmax, residual sums and the final projection are float32 in every precision.
package enum Precision: String, Sendable, CaseIterable, Codable {
    /// bf16 if the CPU multiplies bfloat16 natively and the model gains from it, otherwise f32.
    ///
    /// `Precision.resolved(for:)` in the module CLIP decides.
    case auto
    case f32
    /// Products of bfloat16 numbers, summed in float32.
    case bf16
    /// Weights as bytes with one scale per output, and activations as bytes with one scale per token.
    case int8

    /// The precision itself, or for `auto` the one that is chosen on this CPU; never `auto`.
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

    /// The size in bytes of one input number of a matrix product in this precision.
    var bytes: Int {
        switch resolved {
        case .bf16: 2
        case .int8: 1
        default: 4
        }
    }
}

/// Describes how matrix products are computed on this machine; `watchword doctor` and benchmarks print it.
package enum ComputeLibrary {
    package static var oneDNNVersion: String {
        let version = ww_onednn_version()
        return "\(version / 10000).\(version / 100 % 100).\(version % 100)"
    }
    package static var instructionSet: String { String(cString: ww_onednn_isa()) }

    /// The kernels used for each precision on this CPU, such as "f32 by vectors, bf16 by tiles, int8 by oneDNN".
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

    /// The text of `units`, with the versions of both memory layouts of reordered weights; part of a cache file's key.
    package static var layouts: String { units + ", panels 1, slabs 1" }

    /// True if oneDNN can multiply bfloat16 on this CPU.
    static let hasHalves = !["sse41", "avx", "avx2", "avx2_vnni", "avx2_vnni_2"].contains(instructionSet)

    /// The largest byte of a quantised activation: 255, or 127 on CPUs whose sums of two byte products would saturate.
    static let topByte: Int32 = ["sse41", "avx", "avx2", "avx512_core"].contains(instructionSet) ? 127 : 255
}
