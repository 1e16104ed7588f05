import Checkpoints

/// The tensors of the image and text towers in OpenAI's names, and the shapes that they must have.
///
/// Source: docs/MATHEMATICS.md, section 2.
package enum TowerTensors {
    package struct Expected: Sendable, Equatable {
        package let name: String
        /// The expected shape of the tensor; nil if it depends on another tensor.
        package let shape: [Int]?
    }

    /// Returns all tensors that the image and text tower of a model with these sizes need.
    package static func expected(_ architecture: Architecture) -> [Expected] {
        let (vision, text, d) = (architecture.vision, architecture.text, architecture.embedding)
        let t = text.width
        var all = [
            Expected(name: "logit_scale", shape: []),
            Expected(name: "positional_embedding", shape: [text.context, t]),
            Expected(name: "token_embedding.weight", shape: [text.vocabulary, t]),
        ]
        if architecture.isSigmoid { all.append(Expected(name: "logit_bias", shape: [])) }
        if text.form.hasProjection { all.append(Expected(name: "text_projection", shape: [t, d])) }
        if text.form.hasProjectionBias { all.append(Expected(name: "text_projection_bias", shape: [d])) }
        all += affine("ln_final", t)
        for layer in 0..<text.layers {
            all += block("transformer.resblocks.\(layer)", width: t, inner: text.inner)
        }
        return all + expected(vision, embedding: d)
    }

    private static func expected(_ vision: Architecture.Vision, embedding d: Int) -> [Expected] {
        let (v, p, form) = (vision.width, vision.patch, vision.form)
        let places = vision.grid * vision.grid + (form.hasClassToken && form.placesClassToken ? 1 : 0)
        var all = [Expected(name: "visual.positional_embedding", shape: [places, v])]
        if form.patches == .stem {
            all += stem(width: v)
        } else {
            all.append(Expected(name: "visual.conv1.weight", shape: [v, 3, p, p]))
        }
        if form.patches == .biasedConvolution { all.append(Expected(name: "visual.conv1.bias", shape: [v])) }
        if form.hasClassToken { all.append(Expected(name: "visual.class_embedding", shape: [v])) }
        if form.hasPreNorm { all += affine("visual.ln_pre", v) }
        all += affine("visual.ln_post", v)
        for layer in 0..<vision.layers {
            all += block("visual.transformer.resblocks.\(layer)", width: v, inner: vision.inner)
        }
        if case .attention = form.pooling {
            let pool = "visual.attn_pool"
            // In published models, the pooling's MLP is four times as wide as the tower, or as wide as the tower's own
            // MLPs.
            all += [
                ("probe", [1, 1, v]), ("attn.in_proj_weight", [3 * v, v]), ("attn.in_proj_bias", [3 * v]),
                ("attn.out_proj.weight", [v, v]), ("attn.out_proj.bias", [v]),
            ].map { Expected(name: "\(pool).\($0)", shape: $1) }
            all += affine("\(pool).layernorm", v)
            all += ["mlp.c_fc.weight", "mlp.c_fc.bias", "mlp.c_proj.weight"].map {
                Expected(name: "\(pool).\($0)", shape: nil)
            }
            all.append(Expected(name: "\(pool).mlp.c_proj.bias", shape: [v]))
        }
        if form.projection != .none { all.append(Expected(name: "visual.proj", shape: [v, d])) }
        if form.projection == .biasedMatrix { all.append(Expected(name: "visual.proj_bias", shape: [d])) }
        return all
    }

    private static func affine(_ name: String, _ width: Int) -> [Expected] {
        ["weight", "bias"].map { Expected(name: "\(name).\($0)", shape: [width]) }
    }

    /// Returns the tensors of MobileCLIP's convolution stem: three convolutions, the first two with batch norm.
    private static func stem(width v: Int) -> [Expected] {
        let w = v / 4
        let norms = (0..<2).flatMap { stage in
            ["weight", "bias", "running_mean", "running_var"].map {
                Expected(name: "visual.stem.\(stage).norm.\($0)", shape: [w])
            }
        }
        return norms + [
            Expected(name: "visual.stem.0.weight", shape: [w, 3, 4, 4]),
            Expected(name: "visual.stem.1.weight", shape: [w, w, 2, 2]),
            Expected(name: "visual.stem.2.weight", shape: [v, w, 2, 2]),
            Expected(name: "visual.stem.2.bias", shape: [v]),
        ]
    }

    /// The names of tensors that every model has, whatever its sizes; those of the first block stand for all blocks.
    static var everyModels: [String] {
        let sizes = Architecture(
            vision: .init(width: 1, layers: 1, heads: 1, patch: 1, side: 1),
            text: .init(width: 1, layers: 1, heads: 1, context: 1, vocabulary: 1), embedding: 1)
        return expected(sizes).map(\.name)
    }

    /// Returns an error message for each tensor of the image and text tower that is missing or has a wrong shape.
    ///
    /// `named` returns the name in the file for a name of OpenAI's.
    static func problems(
        _ source: any TensorSource, _ architecture: Architecture, named: (String) -> String = { $0 }
    ) -> [String] {
        // The hidden width of the pooling's MLP is the length of its bias.
        let pool = "visual.attn_pool.mlp"
        let inner = source.tensors["\(pool).c_fc.bias"]?.shape.first ?? 4 * architecture.vision.width
        let w = architecture.vision.width
        let wide = [
            "\(pool).c_fc.weight": [inner, w], "\(pool).c_fc.bias": [inner], "\(pool).c_proj.weight": [w, inner],
        ]
        return expected(architecture).compactMap { tensor in
            guard let found = source.tensors[tensor.name] else { return "tensor \"\(named(tensor.name))\" is missing" }
            guard let shape = tensor.shape ?? wide[tensor.name], found.shape != shape || shape.contains(0) else {
                return nil
            }
            return "tensor \"\(named(tensor.name))\" has shape \(found.shape), expected \(shape)"
        }
    }

    /// Returns an error message if the image tower is a ResNet, which is not supported; otherwise nil.
    static func resNet(_ names: some Sequence<String>) -> String? {
        names.contains { $0.hasSuffix("visual.layer1.0.conv1.weight") }
            ? "the image tower is a ResNet (RN50 and its like), which is not read: expected a vision transformer" : nil
    }

    /// Returns error messages about tensors with NaN or infinity: the first three, and the number of further ones.
    static func broken(_ source: any TensorSource) -> [String] {
        var broken: [String] = []
        // T-MASS's checkpoints contain a scalar that is never used.
        let unread = "stochastic.std_branch.learnable_scalar"
        for info in source.tensors.values.sorted(by: { $0.name < $1.name }) where info.count > 0 && info.name != unread
        {
            guard let values = try? source.floats(info.name) else { continue }
            let count = values.count { !$0.isFinite }
            if count > 0 {
                broken.append("tensor \"\(info.name)\": \(count) of \(info.count) numbers are NaN or infinite")
            }
        }
        let more = broken.count - 3
        return Array(broken.prefix(3)) + (more > 0 ? ["\(more) more tensors hold NaN or infinity"] : [])
    }

    /// Returns an error message if the image or text tower has tensors that the model does not use; otherwise nil.
    ///
    /// Such a model would compute something else than intended. Causal masks and buffers that other programs store are
    /// ignored. `source` has the names of the file.
    static func strays(
        _ source: any TensorSource, _ layout: ModelDirectory.Layout, _ architecture: Architecture
    ) -> String? {
        let named = layout.names(source)
        let known = Set((expected(architecture).map(\.name) + ["visual.conv2.weight"]).flatMap(named.everyStoredName))
        let towers: [String]
        if layout == .huggingFace {
            towers = source.tensors.keys.filter(isHuggingFaceTower)
        } else {
            let plain = OpenAINames(source)
            towers = plain.tensors.keys.filter(isTower).flatMap(plain.storedNames)
        }
        let found = towers.filter { !known.contains($0) }
        let strays = found.filter { name in
            !["attn_mask", "position_ids", "num_batches_tracked"].contains { name == $0 || name.hasSuffix(".\($0)") }
        }.sorted()
        guard let first = strays.first else { return nil }
        let more = strays.count == 1 ? "" : " and \(strays.count - 1) more"
        return "tensor \"\(first)\"\(more) of a tower is not \(architecture.family.rawValue)'s by this configuration, "
            + "and nothing would read it"
    }

    /// Returns an error message if the image or text tower has a tensor of an unsupported element type; otherwise nil.
    static func unreadable(_ file: any CheckpointFile) -> String? {
        let found = file.unreadable.keys.filter { name in
            var name = name[...]
            for prefix in ["module.", "clip."] where name.hasPrefix(prefix) { name = name.dropFirst(prefix.count) }
            return isTower(String(name)) || isHuggingFaceTower(String(name)) || name.hasPrefix("text.")
        }.filter { !$0.hasSuffix(".position_ids") }
        guard let first = found.min(), let type = file.unreadable[first] else { return nil }
        return "tensor \"\(first)\" is of type \(type): expected F64, F32, F16 or BF16"
    }

    /// Returns whether a tensor with this name belongs to the image or text tower in Hugging Face's layout.
    static func isHuggingFaceTower(_ name: String) -> Bool {
        ["vision_model.", "text_model.", "visual_projection.", "text_projection."].contains { name.hasPrefix($0) }
            || name == "logit_bias"
    }

    /// Returns the twelve tensors of one transformer block; `prefix` begins their names.
    static func block(_ prefix: String, width w: Int, inner: Int? = nil) -> [Expected] {
        let inner = inner ?? 4 * w
        return [
            ("attn.in_proj_weight", [3 * w, w]), ("attn.in_proj_bias", [3 * w]),
            ("attn.out_proj.weight", [w, w]), ("attn.out_proj.bias", [w]),
            ("ln_1.weight", [w]), ("ln_1.bias", [w]), ("ln_2.weight", [w]), ("ln_2.bias", [w]),
            ("mlp.c_fc.weight", [inner, w]), ("mlp.c_fc.bias", [inner]),
            ("mlp.c_proj.weight", [w, inner]), ("mlp.c_proj.bias", [w]),
        ].map { Expected(name: "\(prefix).\($0)", shape: $1) }
    }

    /// Returns the number of transformer blocks below a name prefix that have at least one tensor.
    static func layers(_ prefix: String, in names: some Sequence<String>) -> Int {
        Set(
            names.filter { $0.hasPrefix(prefix + ".") }.compactMap {
                Int($0.dropFirst(prefix.count + 1).prefix { $0 != "." })
            }
        ).count
    }

    /// Returns whether a tensor name without prefix belongs to the image or text tower in OpenAI's models.
    ///
    /// The three sizes that OpenAI's files store as tensors count, too.
    static func isTower(_ name: String) -> Bool {
        ["visual.", "transformer.", "ln_final.", "token_embedding.", "text_projection."].contains { name.hasPrefix($0) }
            || [
                "logit_scale", "logit_bias", "text_projection", "positional_embedding", "input_resolution",
                "context_length", "vocab_size",
            ].contains(name)
    }
}
