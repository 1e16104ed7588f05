/// Parses `tokenizer.json`, the file of Hugging Face's fast tokenizers: CLIP's, Gemma's, or Unigram.
///
/// Its normalizer and pre-tokenizer must be those of one of these families; otherwise the error names the first
/// difference. Source: tokenizers `models/bpe/serialization.rs`, `models/unigram/serialization.rs`; transformers
/// `CLIPConverter`.
enum TokenizerJSON {
    static func parse(
        _ bytes: [UInt8], _ file: String, _ cleaning: TextCleaning.Rule
    ) throws(TokenizerError) -> any TokenModel {
        var reader = VocabularyJSON(bytes: bytes, file: file)
        reader.content = "the JSON of a tokenizer"
        let root = try reader.document()
        guard let model = root["model"] else { throw TokenizerError(file, "it has no model") }
        switch model["type"]?.text ?? "BPE" {
        case "BPE" where model["byte_fallback"] == .flag(true):
            return try PieceTokens(root, model, file, cleaning)
        case "BPE": return CLIPTokens(try clip(root, model, file))
        case "Unigram": return try UnigramTokens(root, model, file, cleaning)
        default:
            throw TokenizerError(
                file,
                "its model is \(model["type"]?.shown ?? "missing"): expected CLIP's BPE, BPE with byte_fallback, or "
                    + "Unigram")
        }
    }

    private static func clip(
        _ root: RawJSON, _ model: RawJSON, _ file: String
    ) throws(TokenizerError) -> Vocabulary {
        func refuse(_ what: String) -> TokenizerError { TokenizerError(file, what) }
        guard case .object(let entries)? = model["vocab"] else { throw refuse("its model has no vocabulary") }
        guard model["end_of_word_suffix"]?.text == "</w>" else {
            throw refuse("its end_of_word_suffix is no \"</w>\": it is not CLIP's tokenizer")
        }
        for key in ["byte_fallback", "ignore_merges"] {
            guard model[key]?.isOff ?? true else { throw refuse("it has \(key), which CLIP's tokenizer has not") }
        }
        for key in ["dropout", "continuing_subword_prefix"] {
            guard model[key]?.isOff ?? true else { throw refuse("it has a \(key), which CLIP's tokenizer has not") }
        }
        try check(root["normalizer"], of: ["NFC", "Replace", "Lowercase"], "normalizer", file)
        try check(root["pre_tokenizer"], of: ["Split", "ByteLevel"], "pre_tokenizer", file)
        return try Vocabulary(
            ids: ids(entries, file), vocabularyFile: file, merges: merges(model["merges"], file), mergesFile: file,
            added: added(root["added_tokens"], file))
    }

    /// Returns the token ids under the key `vocab` of a byte-pair encoding, by the token's UTF-8.
    static func ids(_ entries: [[UInt8]: RawJSON], _ file: String) throws(TokenizerError) -> [[UInt8]: UInt32] {
        var ids: [[UInt8]: UInt32] = [:]
        ids.reserveCapacity(entries.count)
        for (token, value) in entries {
            guard let id = value.id else { throw TokenizerError(file, "its vocabulary has a token without an id") }
            ids[token] = id
        }
        return ids
    }

    /// Returns the merge rules in order of rank; each is a list of two tokens, or a string with a space between them.
    static func merges(_ value: RawJSON?, _ file: String) throws(TokenizerError) -> [Vocabulary.Merge] {
        guard case .array(let items)? = value else { throw TokenizerError(file, "its model has no merges") }
        var merges: [Vocabulary.Merge] = []
        merges.reserveCapacity(items.count)
        for (rank, item) in items.enumerated() {
            var parts: [[UInt8]] = []
            switch item {
            case .string(let bytes):
                parts = bytes.split(separator: 0x20, omittingEmptySubsequences: false).map(Array.init)
            case .array(let pair): for case .string(let bytes) in pair { parts.append(bytes) }
            default: break
            }
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw TokenizerError(file, "merge \(rank + 1) is not two tokens")
            }
            merges.append(Vocabulary.Merge(left: parts[0], right: parts[1]))
        }
        return merges
    }

    static func added(_ value: RawJSON?, _ file: String) throws(TokenizerError) -> [AddedToken] {
        guard case .array(let items)? = value else { return [] }
        var added: [AddedToken] = []
        for item in items {
            guard case .string(let content)? = item["content"], let id = item["id"]?.id else {
                throw TokenizerError(file, "an added token has no content or no id")
            }
            for flag in ["single_word", "lstrip", "rstrip"] where !(item[flag]?.isOff ?? true) {
                throw TokenizerError(file, "an added token has \(flag), which is not read")
            }
            added.append(AddedToken(content: content, id: id, ignoresCase: item["normalized"] == .flag(true)))
        }
        return added
    }

    /// Throws unless the types of the steps of a normalizer or pre-tokenizer are exactly `known`, in this order.
    ///
    /// `key` is the name of the setting for the error message.
    static func check(
        _ step: RawJSON?, of known: [String], _ key: String, _ file: String
    ) throws(TokenizerError) {
        guard let step, step != .null else {
            throw TokenizerError(file, "it has no \(key): it is not CLIP's tokenizer")
        }
        let types = steps(step).map { $0["type"]?.text ?? "" }
        guard types == known else {
            throw TokenizerError(
                file,
                "its \(key) is \(types.joined(separator: ", ")): expected CLIP's, \(known.joined(separator: ", "))")
        }
    }

    /// Returns the steps of a normalizer or pre-tokenizer: the items of a sequence, or a single step; empty for nil.
    static func steps(_ step: RawJSON?) -> [RawJSON] {
        guard let step, step != .null else { return [] }
        guard case .array(let steps)? = step["normalizers"] ?? step["pretokenizers"] else { return [step] }
        return steps
    }
}
