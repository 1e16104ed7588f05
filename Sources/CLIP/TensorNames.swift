package import Checkpoints

/// A checkpoint's tensors under OpenAI's names: strips the `clip.` of CLIP4Clip checkpoints.
package struct OpenAINames: TensorSource {
    private let base: any TensorSource
    private let prefix: String
    package let tensors: [String: TensorInfo]
    package var origin: String { base.origin }

    package init(_ base: any TensorSource) {
        self.base = base
        prefix = base.tensors.keys.contains { $0.hasPrefix("clip.visual.") } ? "clip." : ""
        var tensors: [String: TensorInfo] = [:]
        for (name, info) in base.tensors where name.hasPrefix(prefix) {
            let short = String(name.dropFirst(prefix.count))
            tensors[short] = TensorInfo(name: short, type: info.type, shape: info.shape)
        }
        self.tensors = tensors
    }

    package func floats(_ name: String) throws(CheckpointError) -> [Float] { try base.floats(prefix + name) }

    package func floats(_ name: String, elements: Range<Int>) throws(CheckpointError) -> [Float] {
        try base.floats(prefix + name, elements: elements)
    }
}

/// A Hugging Face `CLIPModel` under OpenAI's names: queries, keys and values joined, projections transposed.
package struct HuggingFaceNames: TensorSource {
    private enum Recipe {
        case same(String)
        case transposed(String)
        case joined([String])
    }

    private let base: any TensorSource
    private let recipes: [String: Recipe]
    package let tensors: [String: TensorInfo]
    package var origin: String { base.origin }

    package init(_ base: any TensorSource) {
        self.base = base
        var recipes: [String: Recipe] = [
            "logit_scale": .same("logit_scale"),
            "text_projection": .transposed("text_projection.weight"),
            "positional_embedding": .same("text_model.embeddings.position_embedding.weight"),
            "token_embedding.weight": .same("text_model.embeddings.token_embedding.weight"),
            "visual.proj": .transposed("visual_projection.weight"),
            "visual.class_embedding": .same("vision_model.embeddings.class_embedding"),
            "visual.positional_embedding": .same("vision_model.embeddings.position_embedding.weight"),
            "visual.conv1.weight": .same("vision_model.embeddings.patch_embedding.weight"),
        ]
        for part in ["weight", "bias"] {
            recipes["ln_final.\(part)"] = .same("text_model.final_layer_norm.\(part)")
            // The misspelling is Hugging Face's own.
            recipes["visual.ln_pre.\(part)"] = .same("vision_model.pre_layrnorm.\(part)")
            recipes["visual.ln_post.\(part)"] = .same("vision_model.post_layernorm.\(part)")
        }
        for (ours, theirs) in [("transformer", "text_model"), ("visual.transformer", "vision_model")] {
            let prefix = "\(theirs).encoder.layers."
            let layers = Set(
                base.tensors.keys.filter { $0.hasPrefix(prefix) }.compactMap {
                    Int($0.dropFirst(prefix.count).prefix { $0 != "." })
                })
            for layer in layers {
                let (to, from) = ("\(ours).resblocks.\(layer)", "\(prefix)\(layer)")
                for part in ["weight", "bias"] {
                    recipes["\(to).attn.in_proj_\(part)"] = .joined(
                        ["q_proj", "k_proj", "v_proj"].map { "\(from).self_attn.\($0).\(part)" })
                    recipes["\(to).attn.out_proj.\(part)"] = .same("\(from).self_attn.out_proj.\(part)")
                    recipes["\(to).ln_1.\(part)"] = .same("\(from).layer_norm1.\(part)")
                    recipes["\(to).ln_2.\(part)"] = .same("\(from).layer_norm2.\(part)")
                    recipes["\(to).mlp.c_fc.\(part)"] = .same("\(from).mlp.fc1.\(part)")
                    recipes["\(to).mlp.c_proj.\(part)"] = .same("\(from).mlp.fc2.\(part)")
                }
            }
        }
        var tensors: [String: TensorInfo] = [:]
        for (name, recipe) in recipes {
            guard let info = Self.describe(name, recipe, base) else { continue }
            tensors[name] = info
        }
        self.recipes = recipes
        self.tensors = tensors
    }

    private static func describe(_ name: String, _ recipe: Recipe, _ base: any TensorSource) -> TensorInfo? {
        switch recipe {
        case .same(let from):
            return base.tensors[from].map { TensorInfo(name: name, type: $0.type, shape: $0.shape) }
        case .transposed(let from):
            return base.tensors[from].map { TensorInfo(name: name, type: $0.type, shape: $0.shape.reversed()) }
        case .joined(let parts):
            let infos = parts.compactMap { base.tensors[$0] }
            guard infos.count == parts.count, let first = infos.first, !first.shape.isEmpty else { return nil }
            // Rows are joined only if they are equally long; else the joined shape is wrong and said to be so.
            let rows = infos.reduce(0) { $0 + ($1.shape.first ?? 0) }
            guard infos.allSatisfy({ $0.shape.dropFirst() == first.shape.dropFirst() }) else { return nil }
            return TensorInfo(name: name, type: first.type, shape: [rows] + first.shape.dropFirst())
        }
    }

    package func floats(_ name: String) throws(CheckpointError) -> [Float] {
        switch recipes[name] {
        case .same(let from): return try base.floats(from)
        case .transposed(let from):
            let values = try base.floats(from)
            guard let shape = base.tensors[from]?.shape, shape.count == 2 else {
                throw CheckpointError(origin, .malformed("tensor \"\(from)\" is no matrix"))
            }
            return transposed(values, rows: shape[0], columns: shape[1])
        case .joined(let parts):
            var values: [Float] = []
            for part in parts { values += try base.floats(part) }
            return values
        case nil: throw CheckpointError(origin, .missingTensor(name))
        }
    }

    package func floats(_ name: String, elements: Range<Int>) throws(CheckpointError) -> [Float] {
        if case .same(let from) = recipes[name] { return try base.floats(from, elements: elements) }
        return Array(try floats(name)[elements])
    }
}
