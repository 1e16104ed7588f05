package import Tensors

/// Reads the sizes of a Hugging Face `CLIPModel` or `SiglipModel` from its `config.json`.
///
/// Source: transformers `models/clip/configuration_clip.py`, `models/siglip/configuration_siglip.py` (4.x and 5.x).
package enum HuggingFaceConfig {
    /// The default values of keys that `config.json` omits, as in transformers.
    private struct Defaults {
        let family: Family
        let patch: Int
        let text: (width: Int, inner: Int, heads: Int, context: Int, vocabulary: Int)
        let activation: String
        let epsilon: Double

        static let clip = Defaults(
            family: .clip, patch: 32, text: (512, 2048, 8, 77, 49408), activation: "quick_gelu", epsilon: 1e-5)
        static let siglip = Defaults(
            family: .siglip, patch: 16, text: (768, 3072, 12, 64, 32000), activation: "gelu_pytorch_tanh",
            epsilon: 1e-6)
    }

    /// Reads the model's sizes from `config.json`; appends one remark to `notes` for each unknown key.
    ///
    /// Throws if a key has a value that is not supported.
    package static func parse(_ file: ModelFile, notes: inout [String]) throws -> Architecture {
        let root = try ModelJSON(file)
        try root.expect("model_type", "clip", "siglip")
        try root.expect("quantization_config")
        try root.expect("auto_map")
        let defaults = root.object["model_type"] as? String == "siglip" ? Defaults.siglip : .clip
        let vision = try tower("vision_config", root, file, defaults)
        let text = try tower("text_config", root, file, defaults)
        let sizes = (try visionSizes(vision, defaults), try textSizes(text, defaults))
        let result =
            defaults.family == .siglip
            ? try siglip(root, sizes.0, sizes.1, vision, text) : try clip(root, sizes.0, sizes.1, text)
        try result.check(file.path, patch: "patch_size", side: "image_size", heads: "num_attention_heads")
        let unknown =
            root.unknown(rootKeys, generalKeys) + vision.unknown(visionKeys, towerKeys, generalKeys)
            + text.unknown(textKeys, towerKeys, generalKeys)
        notes += unknown.map { "\(file.path): the key \"\($0)\" is not known and is not heeded" }
        return result
    }

    private static func clip(
        _ root: ModelJSON, _ vision: Architecture.Vision, _ text: Architecture.Text, _ json: ModelJSON
    ) throws -> Architecture {
        var text = text
        // 2 is the id in OpenAI's own uploads, which pool at the largest token id. An id outside the vocabulary would
        // pool nothing, so it is not used as a default.
        let end = try json.optional("eos_token_id", as: Int.self) ?? (text.vocabulary > 49407 ? 49407 : 2)
        text.endToken = end == 2 ? nil : end
        return Architecture(vision: vision, text: text, embedding: try root.size("projection_dim", default: 512))
    }

    private static func siglip(
        _ root: ModelJSON, _ vision: Architecture.Vision, _ text: Architecture.Text, _ visionJSON: ModelJSON,
        _ textJSON: ModelJSON
    ) throws -> Architecture {
        var (vision, text) = (vision, text)
        try visionJSON.expect("vision_use_head", true)
        vision.form = .siglip(poolingHeads: vision.heads)
        text.form = .siglip
        let embedding = try textJSON.size("projection_size", default: text.width)
        guard embedding == vision.width else {
            throw ModelError(
                root.path,
                "\"text_config.projection_size\": expected the image tower's width \(vision.width), found \(embedding)")
        }
        return Architecture(vision: vision, text: text, embedding: embedding, family: .siglip, isSigmoid: true)
    }

    /// Returns the JSON object in `config.json` that configures the image or the text tower.
    ///
    /// Like transformers, it prefers `*_config_dict` to `*_config`. SigLIP's may be missing, since all keys have
    /// defaults.
    private static func tower(
        _ key: String, _ root: ModelJSON, _ file: ModelFile, _ defaults: Defaults
    ) throws -> ModelJSON {
        if let tower = try root.object("\(key)_dict") ?? root.object(key) { return tower }
        // SigLIP's base models leave out nearly all keys.
        guard defaults.family == .siglip else { throw ModelError(file.path, "\"\(key)\" is missing") }
        return ModelJSON([:], path: file.path, place: "\(key).")
    }

    private static func visionSizes(_ json: ModelJSON, _ defaults: Defaults) throws -> Architecture.Vision {
        try checkTower(json)
        try json.expect("num_channels", 3)
        return .init(
            width: try json.size("hidden_size", default: 768), layers: try json.size("num_hidden_layers", default: 12),
            heads: try json.size("num_attention_heads", default: 12),
            patch: try json.size("patch_size", default: defaults.patch),
            side: try json.size("image_size", default: 224),
            inner: try json.size("intermediate_size", default: 3072), epsilon: try epsilon(json, defaults),
            activation: try activation(json, defaults))
    }

    private static func textSizes(_ json: ModelJSON, _ defaults: Defaults) throws -> Architecture.Text {
        try checkTower(json)
        return .init(
            width: try json.size("hidden_size", default: defaults.text.width),
            layers: try json.size("num_hidden_layers", default: 12),
            heads: try json.size("num_attention_heads", default: defaults.text.heads),
            context: try json.size("max_position_embeddings", default: defaults.text.context),
            vocabulary: try json.size("vocab_size", default: defaults.text.vocabulary),
            inner: try json.size("intermediate_size", default: defaults.text.inner),
            epsilon: try epsilon(json, defaults), activation: try activation(json, defaults))
    }

    private static func checkTower(_ json: ModelJSON) throws {
        if let pruned = try json.optional("pruned_heads", as: [String: Any].self), !pruned.isEmpty {
            throw json.refusal("pruned_heads", "expected no pruned heads")
        }
        try json.expect("quantization_config")
    }

    private static func epsilon(_ json: ModelJSON, _ defaults: Defaults) throws -> Float {
        let value = try json.optional("layer_norm_eps", as: Double.self) ?? defaults.epsilon
        guard value >= 0, value < 1 else {
            throw json.refusal("layer_norm_eps", "expected a number from 0, and below 1")
        }
        return Float(value)
    }

    private static func activation(_ json: ModelJSON, _ defaults: Defaults) throws -> Activation {
        let name = try json.optional("hidden_act", as: String.self) ?? defaults.activation
        switch name {
        case "gelu_python": return .gelu
        case "gelu_new": return .tanhGELU
        default:
            guard let known = Activation(named: name) else {
                throw json.refusal("hidden_act", "expected quick_gelu, gelu or gelu_pytorch_tanh")
            }
            return known
        }
    }

    private static let rootKeys: Set = [
        "text_config", "vision_config", "text_config_dict", "vision_config_dict", "projection_dim",
        "logit_scale_init_value",
    ]
    private static let towerKeys: Set = [
        "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "hidden_act",
        "layer_norm_eps", "dropout", "attention_dropout", "projection_dim",
    ]
    private static let visionKeys: Set = ["image_size", "patch_size", "num_channels", "vision_use_head"]
    private static let textKeys: Set = ["vocab_size", "max_position_embeddings", "projection_size"]

    /// Keys of `config.json` that do not change embeddings: training, generation, labels and file formats.
    private static let generalKeys: Set = [
        "_attn_implementation", "_attn_implementation_autoset", "_commit_hash", "_name_or_path",
        "add_cross_attention", "architectures", "attn_implementation", "auto_map", "bad_words_ids",
        "begin_suppress_tokens", "bos_token_id", "chunk_size_feed_forward", "cross_attention_hidden_size",
        "decoder_start_token_id", "diversity_penalty", "do_sample", "dtype", "early_stopping",
        "encoder_no_repeat_ngram_size", "eos_token_id", "exponential_decay_length_penalty", "finetuning_task",
        "forced_bos_token_id", "forced_eos_token_id", "gradient_checkpointing", "id2label", "initializer_factor",
        "initializer_range", "is_composition", "is_decoder", "is_encoder_decoder", "label2id", "length_penalty",
        "max_length", "min_length", "model_type", "no_repeat_ngram_size", "num_beam_groups", "num_beams",
        "num_labels", "num_return_sequences", "output_attentions", "output_hidden_states", "output_scores",
        "pad_token_id", "prefix", "problem_type", "pruned_heads", "quantization_config", "remove_invalid_values",
        "repetition_penalty", "return_dict", "return_dict_in_generate", "sep_token_id", "suppress_tokens",
        "task_specific_params", "temperature", "tf_legacy_loss", "tie_encoder_decoder", "tie_word_embeddings",
        "tokenizer_class", "top_k", "top_p", "torch_dtype", "torchscript", "transformers_version", "typical_p",
        "use_bfloat16", "use_cache",
    ]
}

extension Activation {
    /// The activation's name in Hugging Face's configuration files.
    package var name: String {
        switch self {
        case .none: "none"
        case .quickGELU: "quick_gelu"
        case .gelu: "gelu"
        case .tanhGELU: "gelu_pytorch_tanh"
        }
    }

    init?(named name: String) {
        guard let known = [Activation.quickGELU, .gelu, .tanhGELU].first(where: { $0.name == name }) else { return nil }
        self = known
    }
}

extension Architecture {
    /// Throws if the sizes contradict each other.
    ///
    /// `patch`, `side` and `heads` are the names of the configuration file's keys, for the error message.
    func check(_ path: String, patch: String, side: String, heads: String) throws {
        guard vision.side >= vision.patch else {
            throw ModelError(path, "\(patch) \(vision.patch) is more than \(side) \(vision.side)")
        }
        guard family != .clip || vision.side % vision.patch == 0 else {
            throw ModelError(path, "\(patch) \(vision.patch) does not divide \(side) \(vision.side)")
        }
        for (width, count) in [(vision.width, vision.heads), (text.width, text.heads)] where width % count != 0 {
            throw ModelError(path, "\(heads) \(count) does not divide the width \(width)")
        }
        if let problem = formProblem { throw ModelError(path, problem) }
    }
}
