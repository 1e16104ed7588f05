import Checkpoints
import Tensors

/// Reads the sizes of OpenCLIP's image towers that timm implements: SigLIP, PE-Core and MobileCLIP-B.
///
/// The model name `timm_model_name` determines the attention heads and the kind of GELU; the tensors determine the
/// rest. Source: timm 1.0.31 `vision_transformer.py`, `eva.py`; OpenCLIP 3.3.0 `timm_model.py`; docs/MATHEMATICS.md,
/// sections 12.5 to 12.7.
enum TimmTower {
    private static let heads = ["base": 12, "large": 16, "so400m": 16, "giantopt": 16]
    private static let perceptionHeads = ["tiny": 3, "small": 6, "base": 12, "large": 16, "gigantic": 16]
    /// The SigLIP image towers that use the tanh approximation of GELU.
    private static let tanhTrunks: Set = [
        "base_patch32_256", "large_patch16_512", "so400m_patch16_256", "so400m_patch16_384", "so400m_patch16_512",
        "giantopt_patch16_256", "giantopt_patch16_384",
    ]

    static func parse(
        _ json: ModelJSON, tensors: any TensorSource
    ) throws -> (family: Family, tower: Architecture.Vision) {
        let name = try json.required("timm_model_name", as: String.self)
        let siglip = /vit_(base|large|so400m|giantopt)_patch([0-9]+)_siglip_([0-9]+)/
        let perception = /vit_pe_core_(tiny|small|base|large|gigantic)_patch[0-9]+_[0-9]+/
        let sizes = TensorSizes(source: tensors)
        if let found = name.wholeMatch(of: siglip), let heads = heads[String(found.1)] {
            try check(json, pooling: "map", projections: "none")
            let isTanh = tanhTrunks.contains("\(found.1)_patch\(found.2)_\(found.3)")
            return (
                .siglip,
                try tower(
                    json, sizes, heads: heads, epsilon: 1e-6, activation: isTanh ? .tanhGELU : .gelu,
                    form: .siglip(poolingHeads: heads))
            )
        }
        if let found = name.wholeMatch(of: perception), let heads = perceptionHeads[String(found.1)] {
            try check(json, pooling: "map", projections: "")
            return (
                .perceptionEncoder,
                try tower(
                    json, sizes, heads: heads, epsilon: 1e-5, activation: .gelu,
                    form: .perceptionEncoder(
                        hasClassToken: tensors.has("visual.class_embedding"), projection: .biasedMatrix))
            )
        }
        if name == "vit_base_mci_224" {
            try check(json, pooling: "token", projections: "")
            return (
                .mobileCLIP,
                try tower(json, sizes, heads: 12, epsilon: 1e-6, activation: .gelu, form: .mobileCLIP)
            )
        }
        throw json.refusal(
            "timm_model_name",
            "expected SigLIP's vit_*_siglip_*, PE-Core's vit_pe_core_* or MobileCLIP's vit_base_mci_224, which are read"
        )
    }

    private static func check(_ json: ModelJSON, pooling: String, projections: String) throws {
        try OpenCLIPConfig.refuse(
            json, known: ["timm_model_name", "image_size"],
            harmless: [
                "timm_model_pretrained": [true, false], "timm_pool": [pooling], "timm_proj": [projections],
                "timm_proj_bias": [false], "timm_drop": nil, "timm_drop_path": nil, "patch_dropout": nil,
                "output_tokens": [false],
            ])
    }

    private static func tower(
        _ json: ModelJSON, _ sizes: TensorSizes, heads: Int, epsilon: Float, activation: Activation, form: VisionForm
    ) throws -> Architecture.Vision {
        let hasStem = form.patches == .stem
        let width = try sizes.shape("visual.ln_post.weight", rank: 1)[0]
        let patch = hasStem ? 16 : try sizes.shape("visual.conv1.weight", rank: 4)[2]
        guard !hasStem || width % 4 == 0 else {
            throw ModelError(json.path, "an image tower of width \(width) has no stem of a quarter of it")
        }
        return Architecture.Vision(
            width: width, layers: sizes.layers("visual.transformer.resblocks"), heads: heads, patch: patch,
            side: try json.size("image_size", default: 224), inner: sizes.inner("visual.transformer.resblocks"),
            epsilon: epsilon, activation: activation, form: form)
    }
}
