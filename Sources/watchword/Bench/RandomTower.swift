import Checkpoints

/// Random weights of an image tower, by architecture: speed does not depend on what a model has learnt.
struct RandomTower: TensorSource {
    let tensors: [String: TensorInfo]
    let origin = "random weights"
    private let seed: UInt64

    /// ViT-B/32, ViT-B/16 or ViT-L/14; nil for another name.
    init?(_ name: String, seed: UInt64 = 7) {
        let sizes: [String: (width: Int, layers: Int, patch: Int, embedding: Int)] = [
            "ViT-B/32": (768, 12, 32, 512), "ViT-B/16": (768, 12, 16, 512), "ViT-L/14": (1024, 24, 14, 768),
        ]
        guard let size = sizes[name] else { return nil }
        let w = size.width
        var shapes: [String: [Int]] = [
            "visual.conv1.weight": [w, 3, size.patch, size.patch], "visual.class_embedding": [w],
            "visual.positional_embedding": [224 / size.patch * (224 / size.patch) + 1, w],
            "visual.proj": [w, size.embedding],
            // The text tower is only described.
            "ln_final.weight": [512], "positional_embedding": [77, 512], "token_embedding.weight": [49408, 512],
            "text_projection": [512, size.embedding], "transformer.resblocks.0.ln_1.weight": [512],
        ]
        for norm in ["ln_pre", "ln_post"] {
            for part in ["weight", "bias"] { shapes["visual.\(norm).\(part)"] = [w] }
        }
        for layer in 0..<size.layers {
            let p = "visual.transformer.resblocks.\(layer)"
            shapes["\(p).attn.in_proj_weight"] = [3 * w, w]
            shapes["\(p).attn.in_proj_bias"] = [3 * w]
            shapes["\(p).attn.out_proj.weight"] = [w, w]
            shapes["\(p).attn.out_proj.bias"] = [w]
            shapes["\(p).mlp.c_fc.weight"] = [4 * w, w]
            shapes["\(p).mlp.c_fc.bias"] = [4 * w]
            shapes["\(p).mlp.c_proj.weight"] = [w, 4 * w]
            shapes["\(p).mlp.c_proj.bias"] = [w]
            for norm in ["ln_1", "ln_2"] { for part in ["weight", "bias"] { shapes["\(p).\(norm).\(part)"] = [w] } }
        }
        tensors = shapes.reduce(into: [:]) { $0[$1.key] = TensorInfo(name: $1.key, type: .float32, shape: $1.value) }
        self.seed = seed
    }

    func floats(_ name: String) throws(CheckpointError) -> [Float] {
        guard let info = tensors[name] else { throw CheckpointError(origin, .missingTensor(name)) }
        var random = SeededNumbers(seed: name.utf8.reduce(seed) { $0 &* 31 &+ UInt64($1) })
        let norm = name.contains("ln_") && name.hasSuffix("weight")
        let values = random.numbers(info.count, deviation: 0.03)
        return norm ? values.map { $0 + 1 } : values
    }
}
