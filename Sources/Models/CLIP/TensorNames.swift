package import Checkpoints

/// A checkpoint's tensors under today's names, without what is no weight.
///
/// Strips the `module.` of data-parallel training; `gamma` and `beta` become `weight` and `bias`, as in CLIP4Clip's own
/// loader; leaves out OpenAI's three scalars and Hugging Face's `position_ids`. Source: CLIP4CLIP section 2.
package struct CheckpointNames: TensorSource, Sendable {
    private let base: any TensorSource & Sendable
    /// The base's names by ours.
    private let names: [String: String]
    package let tensors: [String: TensorInfo]
    package var origin: String { base.origin }

    /// Throws if two tensors come to have one name.
    package init(_ base: any TensorSource & Sendable) throws(CheckpointError) {
        self.base = base
        var names: [String: String] = [:]
        var tensors: [String: TensorInfo] = [:]
        for (name, info) in base.tensors {
            let stripped = name.hasPrefix("module.") ? String(name.dropFirst(7)) : name
            if ["input_resolution", "context_length", "vocab_size"].contains(stripped) { continue }
            if stripped.hasSuffix(".position_ids") { continue }
            let ours = stripped.replacing("gamma", with: "weight").replacing("beta", with: "bias")
            guard names.updateValue(name, forKey: ours) == nil else {
                throw CheckpointError(base.origin, .malformed("two of its tensors are \"\(ours)\" by today's names"))
            }
            // OpenCLIP also writes the scale as a list of one number.
            let isScalar = ours.hasSuffix("logit_scale") && info.shape == [1]
            tensors[ours] = TensorInfo(name: ours, type: info.type, shape: isScalar ? [] : info.shape)
        }
        self.names = names
        self.tensors = tensors
    }

    package func floats(_ name: String) throws(CheckpointError) -> [Float] {
        guard let theirs = names[name] else { throw CheckpointError(origin, .missingTensor(name)) }
        return try base.floats(theirs)
    }

    package func floats(_ name: String, elements: Range<Int>) throws(CheckpointError) -> [Float] {
        guard let theirs = names[name] else { throw CheckpointError(origin, .missingTensor(name)) }
        return try base.floats(theirs, elements: elements)
    }
}

/// A checkpoint's tensors under OpenAI's names: strips the `clip.` of CLIP4Clip checkpoints.
///
/// Strips also the `text.` before OpenCLIP's text tower, whatever its configuration says of it, as OpenCLIP does.
package struct OpenAINames: TensorSource {
    private let base: any TensorSource
    /// The base's names by ours.
    private let names: [String: String]
    package let tensors: [String: TensorInfo]
    package var origin: String { base.origin }

    package init(_ base: any TensorSource) {
        self.base = base
        let prefix = Self.prefix(base.tensors.keys)
        let text = base.has("\(prefix)text.token_embedding.weight") ? "text." : ""
        var names: [String: String] = [:]
        var tensors: [String: TensorInfo] = [:]
        for (name, info) in base.tensors where name.hasPrefix(prefix) {
            let short = name.dropFirst(prefix.count)
            let ours = String(!text.isEmpty && short.hasPrefix(text) ? short.dropFirst(text.count) : short)
            // Should both forms be there, the text tower's own counts.
            if names[ours] != nil, ours.count == short.count { continue }
            names[ours] = name
            tensors[ours] = TensorInfo(name: ours, type: info.type, shape: info.shape)
        }
        self.names = names
        self.tensors = tensors
    }

    package func floats(_ name: String) throws(CheckpointError) -> [Float] { try base.floats(stored(name)) }

    package func floats(_ name: String, elements: Range<Int>) throws(CheckpointError) -> [Float] {
        try base.floats(stored(name), elements: elements)
    }

    /// The name in the checkpoint.
    func stored(_ name: String) -> String { names[name] ?? Self.prefix(base.tensors.keys) + name }

    /// What stands before the towers' names: `clip.`, or nothing.
    static func prefix(_ names: some Sequence<String>) -> String {
        names.contains { $0.hasPrefix("clip.visual.") } ? "clip." : ""
    }
}

/// A Hugging Face `CLIPModel` under OpenAI's names: queries, keys and values joined, projections transposed.
package struct HuggingFaceNames: TensorSource {
    /// How a tensor of OpenAI's is made of Hugging Face's.
    enum Recipe {
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
        let recipes = Self.recipes { prefix in
            Set(
                base.tensors.keys.filter { $0.hasPrefix(prefix) }.compactMap {
                    Int($0.dropFirst(prefix.count).prefix { $0 != "." })
                })
        }
        var tensors: [String: TensorInfo] = [:]
        for (name, recipe) in recipes {
            guard let info = Self.describe(name, recipe, base) else { continue }
            tensors[name] = info
        }
        self.recipes = recipes
        self.tensors = tensors
    }

    /// Every tensor's recipe under OpenAI's name; `layers` says which there are under a prefix of Hugging Face's.
    static func recipes(layers: (String) -> Set<Int>) -> [String: Recipe] {
        var recipes: [String: Recipe] = [
            "logit_scale": .same("logit_scale"),
            "text_projection": .transposed("text_projection.weight"),
            "positional_embedding": .same("text_model.embeddings.position_embedding.weight"),
            "token_embedding.weight": .same("text_model.embeddings.token_embedding.weight"),
            "visual.proj": .transposed("visual_projection.weight"),
            "visual.class_embedding": .same("vision_model.embeddings.class_embedding"),
            "visual.positional_embedding": .same("vision_model.embeddings.position_embedding.weight"),
            "visual.conv1.weight": .same("vision_model.embeddings.patch_embedding.weight"),
            // CLIP4Clip's 3D patches have no name of Hugging Face's; they keep their own.
            "visual.conv2.weight": .same("visual.conv2.weight"),
        ]
        for part in ["weight", "bias"] {
            recipes["ln_final.\(part)"] = .same("text_model.final_layer_norm.\(part)")
            // The misspelling is Hugging Face's own.
            recipes["visual.ln_pre.\(part)"] = .same("vision_model.pre_layrnorm.\(part)")
            recipes["visual.ln_post.\(part)"] = .same("vision_model.post_layernorm.\(part)")
        }
        for (ours, theirs) in [("transformer", "text_model"), ("visual.transformer", "vision_model")] {
            let prefix = "\(theirs).encoder.layers."
            for layer in layers(prefix) {
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
        return recipes
    }

    /// Every name of Hugging Face's that towers of these sizes read.
    static func storedNames(_ architecture: Architecture) -> Set<String> {
        let recipes = recipes { prefix in
            Set(0..<(prefix.hasPrefix("vision") ? architecture.vision.layers : architecture.text.layers))
        }
        return Set(
            recipes.values.flatMap { recipe in
                switch recipe {
                case .same(let from), .transposed(let from): [from]
                case .joined(let parts): parts
                }
            })
    }

    /// Hugging Face's names of what a tensor is made of: of those that are missing, if any are.
    func storedNames(_ name: String) -> [String] {
        let recipe =
            recipes[name]
            ?? Self.recipes { _ in Set(Self.layer(of: name).map { [$0] } ?? []) }[name]
        let names: [String] =
            switch recipe {
            case .same(let from), .transposed(let from): [from]
            case .joined(let parts): parts
            case nil: [name]
            }
        let missing = names.filter { !base.has($0) }
        return missing.isEmpty ? names : missing
    }

    /// The block a name belongs to.
    private static func layer(of name: String) -> Int? {
        name.firstMatch(of: /resblocks\.([0-9]+)\./).flatMap { Int($0.1) }
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
