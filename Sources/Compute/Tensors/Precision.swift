import CKernels
import COneDNN

/// The numbers of a tower's matrix products.
///
/// LayerNorm, softmax, residuals and the projection into the joint space are float32 in all of them.
package enum Precision: String, Sendable, CaseIterable, Codable {
    /// bf16 where the CPU multiplies it natively and it pays (`Precision.resolved(for:)` in CLIP), else f32.
    case auto
    case f32
    /// Products of bfloat16, summed in float32.
    case bf16
    /// Weights in bytes by output channel, activations in bytes by token, quantised when they are made.
    case int8

    /// The precision that `auto` stands for here; never `auto`.
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

    /// Bytes of a number that products take.
    var bytes: Int {
        switch resolved {
        case .bf16: 2
        case .int8: 1
        default: 4
        }
    }
}

/// The library and instructions that compute here, for `doctor` and benchmarks.
package enum ComputeLibrary {
    package static var oneDNNVersion: String {
        let version = ww_onednn_version()
        return "\(version / 10000).\(version / 100 % 100).\(version % 100)"
    }
    package static var instructionSet: String { String(cString: ww_onednn_isa()) }

    /// The kernels that multiply a layer's weights here, by precision.
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

    /// The units, and the versions of the layouts that weights are packed in: panels, and slabs for oneDNN.
    package static var layouts: String { units + ", panels 1, slabs 1" }

    /// Whether oneDNN multiplies bfloat16 here.
    static let hasHalves = !["sse41", "avx", "avx2", "avx2_vnni", "avx2_vnni_2"].contains(instructionSet)

    /// Largest byte of an activation: without VNNI, the CPU saturates the sum of two products of whole bytes.
    static let topByte: Int32 = ["sse41", "avx", "avx2", "avx512_core"].contains(instructionSet) ? 127 : 255
}
