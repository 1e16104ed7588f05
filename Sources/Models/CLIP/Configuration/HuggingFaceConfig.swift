import Tensors

/// `config.json` of a Hugging Face `CLIPModel`.
///
/// Source: transformers `models/clip/configuration_clip.py` (4.x and 5.x), `modeling_clip.py`.
package enum HuggingFaceConfig {
    /// The sizes; keys whose meaning is not known are added to `notes`.
    package static func parse(_ file: ModelFile, notes: inout [String]) throws -> Architecture {
        let root = try ModelJSON(file)
        try root.expect("model_type", "clip")
        try root.expect("quantization_config")
        try root.expect("auto_map")
        let vision = try tower("vision_config", root, file)
        let text = try tower("text_config", root, file)
        let visionSizes = try sizes(vision, width: 768, inner: 3072, heads: 12)
        let textSizes = try sizes(text, width: 512, inner: 2048, heads: 8)
        try vision.expect("num_channels", 3)
        let vocabulary = try text.size("vocab_size", default: 49408)
        // 2 stands for OpenAI's own uploads, which pool at the largest id. An id that the table has no row for pools
        // nothing.
        let end = try text.optional("eos_token_id", as: Int.self) ?? (vocabulary > 49407 ? 49407 : 2)
        let result = Architecture(
            vision: .init(
                width: visionSizes.width, layers: visionSizes.layers, heads: visionSizes.heads,
                patch: try vision.size("patch_size", default: 32), side: try vision.size("image_size", default: 224),
                inner: visionSizes.inner, epsilon: try epsilon(vision), activation: try activation(vision)),
            text: .init(
                width: textSizes.width, layers: textSizes.layers, heads: textSizes.heads,
                context: try text.size("max_position_embeddings", default: 77), vocabulary: vocabulary,
                inner: textSizes.inner, epsilon: try epsilon(text), activation: try activation(text),
                endToken: end == 2 ? nil : end),
            embedding: try root.size("projection_dim", default: 512))
        try result.check(file.path, patch: "patch_size", side: "image_size", heads: "num_attention_heads")
        let unknown =
            root.unknown(rootKeys, generalKeys) + vision.unknown(visionKeys, towerKeys, generalKeys)
            + text.unknown(textKeys, towerKeys, generalKeys)
        notes += unknown.map { "\(file.path): the key \"\($0)\" is not known and is not heeded" }
        return result
    }

    /// A tower's object: transformers takes `*_config_dict`, with defaults for what it lacks, where that is an object.
    private static func tower(_ key: String, _ root: ModelJSON, _ file: ModelFile) throws -> ModelJSON {
        guard let tower = try root.object("\(key)_dict") ?? root.object(key) else {
            throw ModelError(file.path, "\"\(key)\" is missing")
        }
        return tower
    }

    private static func sizes(
        _ json: ModelJSON, width: Int, inner: Int, heads: Int
    ) throws -> (width: Int, inner: Int, heads: Int, layers: Int) {
        if let pruned = try json.optional("pruned_heads", as: [String: Any].self), !pruned.isEmpty {
            throw json.refusal("pruned_heads", "expected no pruned heads")
        }
        try json.expect("quantization_config")
        return (
            try json.size("hidden_size", default: width), try json.size("intermediate_size", default: inner),
            try json.size("num_attention_heads", default: heads), try json.size("num_hidden_layers", default: 12)
        )
    }

    private static func epsilon(_ json: ModelJSON) throws -> Float {
        let value = try json.optional("layer_norm_eps", as: Double.self) ?? 1e-5
        guard value >= 0, value < 1 else { throw json.refusal("layer_norm_eps", "expected a number of 0 to 1") }
        return Float(value)
    }

    private static func activation(_ json: ModelJSON) throws -> Activation {
        switch try json.optional("hidden_act", as: String.self) ?? "quick_gelu" {
        case "quick_gelu": .quickGELU
        case "gelu", "gelu_python": .gelu
        default: throw json.refusal("hidden_act", "expected quick_gelu or gelu")
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
    private static let visionKeys: Set = ["image_size", "patch_size", "num_channels"]
    private static let textKeys: Set = ["vocab_size", "max_position_embeddings"]

    /// Keys of every transformers configuration that change no embedding: training, generation, labels, file formats.
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

extension Architecture {
    /// Throws, by the file's own names, if sizes do not go together.
    func check(_ path: String, patch: String, side: String, heads: String) throws {
        guard vision.side % vision.patch == 0 else {
            throw ModelError(path, "\(patch) \(vision.patch) does not divide \(side) \(vision.side)")
        }
        for (width, count) in [(vision.width, vision.heads), (text.width, text.heads)] where width % count != 0 {
            throw ModelError(path, "\(heads) \(count) does not divide the width \(width)")
        }
    }
}
