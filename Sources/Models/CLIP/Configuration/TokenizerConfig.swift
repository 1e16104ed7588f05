import Tokenizers

/// Checks `tokenizer_config.json` and `special_tokens_map.json` against the tokenizer that Watchword uses.
///
/// A key that would change tokens must have the supported value; otherwise the error names it. Source: transformers
/// `tokenization_utils_base.py`, `CLIPTokenizer` (which ignores `do_lower_case`), `SiglipTokenizer`, `GemmaTokenizer`.
struct TokenizerConfig {
    private let json: ModelJSON
    private let rule: Tokenization

    init(_ file: ModelFile, _ rule: Tokenization) throws { (json, self.rule) = (try ModelJSON(file), rule) }

    /// Remarks about the file's unknown keys, one sentence each.
    var notes: [String] {
        json.unknown(Self.checkedKeys, Self.tokenKeys, Self.otherKeys)
            .map { "\(json.path): the key \"\($0)\" is not known and is not heeded" }
    }

    /// Throws if the file names an unsupported tokenizer, or a value that would change the tokens of a text.
    ///
    /// It also throws if the file's `model_max_length` is less than `context`, the model's context in tokens.
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
            // SigLIP's tokenizer lowercases texts; OpenCLIP states its own rule in open_clip_config.json.
            if rule.cleaning == .family { try json.expect("do_lower_case", true) }
        }
        if let limit = json.object["model_max_length"] as? Double, limit < Double(context) {
            throw json.refusal("model_max_length", "expected at least the model's context of \(context) tokens")
        }
    }

    /// Throws if the file's end or padding token differs from the tokenizer's, or if it has ids outside the vocabulary.
    func check(_ tokenizer: Tokenizer) throws {
        if !rule.isCLIP {
            // Unigram tokenizers use one token for end and padding, Gemma's byte-pair encoding two.
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

    /// Throws if the file has another special token under `key` than `token`.
    ///
    /// The file may store it as a string or as an object with `content`; a missing key is accepted.
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
    /// Keys of special tokens; the values do not change the ids of a text, except for start, end and padding.
    private static let tokenKeys: Set = [
        "additional_special_tokens", "bos_token", "cls_token", "eos_token", "extra_special_tokens", "mask_token",
        "pad_token", "sep_token", "unk_token",
    ]
    /// Keys that change no token ids: decoding, chat templates, file names, and lengths.
    ///
    /// Lengths do not matter because the model's own context decides.
    private static let otherKeys: Set = [
        "__type", "backend", "chat_template", "clean_up_tokenization_spaces", "errors", "extra_ids", "is_local",
        "legacy", "max_len", "max_length", "merges_file", "model_input_names", "name_or_path", "pad_to_multiple_of",
        "pad_token_type_id", "processor_class", "return_tensors", "spaces_between_special_tokens",
        "special_tokens_map_file", "stride", "tokenizer_file", "truncation_strategy", "use_default_system_prompt",
        "use_fast", "vocab_file",
    ]
}
