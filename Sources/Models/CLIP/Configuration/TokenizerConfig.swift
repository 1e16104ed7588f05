import Tokenizers

/// Reads `tokenizer_config.json` and `special_tokens_map.json`.
///
/// Each key that changes tokens is obeyed, or refused by name. Source: transformers `tokenization_utils_base.py`,
/// `CLIPTokenizer` (which ignores `do_lower_case`), `SiglipTokenizer`, `GemmaTokenizer`.
struct TokenizerConfig {
    private let json: ModelJSON
    private let rule: Tokenization

    init(_ file: ModelFile, _ rule: Tokenization) throws { (json, self.rule) = (try ModelJSON(file), rule) }

    /// Remarks on unknown keys, one sentence each.
    var notes: [String] {
        json.unknown(Self.checkedKeys, Self.tokenKeys, Self.otherKeys)
            .map { "\(json.path): the key \"\($0)\" is not known and is not heeded" }
    }

    /// Throws if the files name another tokenizer, other special tokens than the family's, or keys that change tokens.
    func check(context: Int) throws {
        let classes =
            rule.isCLIP ? ["CLIPTokenizer"] : ["GemmaTokenizer", "Siglip2Tokenizer", "SiglipTokenizer", "T5Tokenizer"]
        try json.expect(
            "tokenizer_class",
            any: classes.flatMap { [$0, "\($0)Fast"] } + ["PreTrainedTokenizerFast", "TokenizersBackend"])
        try json.expect("auto_map")
        for key in ["padding_side", "truncation_side"] { try json.expect(key, "right") }
        try json.expect("split_special_tokens", false)
        try json.expect("sp_model_kwargs", [String: Any]())
        try json.expect("add_eos_token", true)
        if rule.isCLIP {
            try json.expect("add_bos_token", true)
            for key in ["bos_token", "eos_token"] { try expect(key, ModelFilesWriter.specialTokens[key]) }
        } else {
            for key in ["add_bos_token", "add_prefix_space"] { try json.expect(key, false) }
            // The family puts texts into lower case; OpenCLIP's rule is in its own configuration.
            if rule.cleaning == .family { try json.expect("do_lower_case", true) }
        }
        if let limit = json.object["model_max_length"] as? Double, limit < Double(context) {
            throw json.refusal("model_max_length", "expected at least the model's context of \(context) tokens")
        }
    }

    /// Throws if the file names special tokens that differ from the vocabulary's, or that it lacks.
    func check(_ tokenizer: Tokenizer) throws {
        if !rule.isCLIP {
            // Unigram ends and fills up with one token, Gemma's BPE with two.
            let isOne = tokenizer.padding == tokenizer.endToken
            try expect("eos_token", isOne ? "</s>" : "<eos>")
            try expect("pad_token", isOne ? "</s>" : "<pad>")
        }
        for id in try json.object("added_tokens_decoder")?.object.keys.sorted() ?? [] {
            guard let number = Int(id), (0..<tokenizer.vocabularySize).contains(number) else {
                throw json.refusal(
                    "added_tokens_decoder",
                    "expected ids below the vocabulary's \(tokenizer.vocabularySize) tokens, found \(id)")
            }
        }
    }

    /// Throws unless a key names the expected special token, as a string or as an object with `content`.
    private func expect(_ key: String, _ token: String?) throws {
        let said = json.object[key] as? String ?? (json.object[key] as? [String: Any])?["content"] as? String
        guard let said, let token, said != token else { return }
        throw json.refusal(key, "expected \(token)")
    }

    private static let checkedKeys: Set = [
        "add_bos_token", "add_eos_token", "add_prefix_space", "added_tokens_decoder", "auto_map", "do_lower_case",
        "model_max_length", "padding_side", "sp_model_kwargs", "split_special_tokens", "tokenizer_class",
        "truncation_side",
    ]
    /// Keys of special tokens.
    ///
    /// Except start, end and padding, these never occur in a text's ids.
    private static let tokenKeys: Set = [
        "additional_special_tokens", "bos_token", "cls_token", "eos_token", "extra_special_tokens", "mask_token",
        "pad_token", "sep_token", "unk_token",
    ]
    /// Keys that change no ids: decoding, chat templates, file names, and lengths, which the model's context decides.
    private static let otherKeys: Set = [
        "__type", "backend", "chat_template", "clean_up_tokenization_spaces", "errors", "extra_ids", "is_local",
        "legacy", "max_len", "max_length", "merges_file", "model_input_names", "name_or_path", "pad_to_multiple_of",
        "pad_token_type_id", "processor_class", "return_tensors", "spaces_between_special_tokens",
        "special_tokens_map_file", "stride", "tokenizer_file", "truncation_strategy", "use_default_system_prompt",
        "use_fast", "vocab_file",
    ]
}
