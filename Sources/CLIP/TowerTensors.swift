import Checkpoints

/// The tensors of CLIP's two towers in OpenAI's names: what there must be, in which shape.
///
/// Source: CLIP4CLIP section 2.
package enum TowerTensors {
    package struct Expected: Sendable, Equatable {
        package let name: String
        package let shape: [Int]
    }

    /// Every tensor the towers need at these sizes.
    package static func expected(_ architecture: Architecture) -> [Expected] {
        let (vision, text, d) = (architecture.vision, architecture.text, architecture.embedding)
        let (v, t, p) = (vision.width, text.width, vision.patch)
        var all = [
            Expected(name: "logit_scale", shape: []),
            Expected(name: "text_projection", shape: [t, d]),
            Expected(name: "positional_embedding", shape: [text.context, t]),
            Expected(name: "token_embedding.weight", shape: [text.vocabulary, t]),
            Expected(name: "visual.proj", shape: [v, d]),
            Expected(name: "visual.class_embedding", shape: [v]),
            Expected(name: "visual.positional_embedding", shape: [vision.tokens, v]),
            Expected(name: "visual.conv1.weight", shape: [v, 3, p, p]),
        ]
        for (norm, width) in [("ln_final", t), ("visual.ln_pre", v), ("visual.ln_post", v)] {
            for part in ["weight", "bias"] { all.append(Expected(name: "\(norm).\(part)", shape: [width])) }
        }
        for layer in 0..<text.layers { all += block("transformer.resblocks.\(layer)", width: t) }
        for layer in 0..<vision.layers { all += block("visual.transformer.resblocks.\(layer)", width: v) }
        return all
    }

    /// Names that every model has, whatever its sizes.
    static var everyModels: [String] {
        let sizes = Architecture(
            vision: .init(width: 1, layers: 1, heads: 1, patch: 1, side: 1),
            text: .init(width: 1, layers: 1, heads: 1, context: 1, vocabulary: 1), embedding: 1)
        return expected(sizes).map(\.name)
    }

    /// What of the towers is missing or has a wrong shape, a sentence each; `named` gives the name a person will find.
    static func problems(
        _ source: any TensorSource, _ architecture: Architecture, named: (String) -> String = { $0 }
    ) -> [String] {
        expected(architecture).compactMap { tensor in
            guard let found = source.tensors[tensor.name] else { return "tensor \"\(named(tensor.name))\" is missing" }
            guard found.shape != tensor.shape else { return nil }
            return "tensor \"\(named(tensor.name))\" has shape \(found.shape), expected \(tensor.shape)"
        }
    }

    /// The twelve tensors of a residual attention block.
    static func block(_ prefix: String, width w: Int) -> [Expected] {
        [
            ("attn.in_proj_weight", [3 * w, w]), ("attn.in_proj_bias", [3 * w]),
            ("attn.out_proj.weight", [w, w]), ("attn.out_proj.bias", [w]),
            ("ln_1.weight", [w]), ("ln_1.bias", [w]), ("ln_2.weight", [w]), ("ln_2.bias", [w]),
            ("mlp.c_fc.weight", [4 * w, w]), ("mlp.c_fc.bias", [4 * w]),
            ("mlp.c_proj.weight", [w, 4 * w]), ("mlp.c_proj.bias", [w]),
        ].map { Expected(name: "\(prefix).\($0)", shape: $1) }
    }

    /// How many blocks of a prefix have at least one tensor.
    static func layers(_ prefix: String, in names: some Sequence<String>) -> Int {
        Set(
            names.filter { $0.hasPrefix(prefix + ".") }.compactMap {
                Int($0.dropFirst(prefix.count + 1).prefix { $0 != "." })
            }
        ).count
    }

    /// Whether a name without a prefix belongs to a tower, or is one of the sizes an OpenAI file carries along.
    static func isTower(_ name: String) -> Bool {
        ["visual.", "transformer.", "ln_final.", "token_embedding."].contains { name.hasPrefix($0) }
            || [
                "logit_scale", "text_projection", "positional_embedding", "input_resolution", "context_length",
                "vocab_size",
            ].contains(name)
    }
}
