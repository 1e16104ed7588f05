/// Reads `tokenizer.json`, the single file of Hugging Face's fast tokenizers, where it is CLIP's BPE.
///
/// Normalising and splitting must be CLIP's; another tokenizer is refused by its first difference.
///
/// Source: tokenizers `models/bpe/serialization.rs`; transformers `CLIPConverter`.
enum TokenizerJSON {
    static func parse(_ bytes: [UInt8], _ file: String) throws(TokenizerError) -> Vocabulary {
        var reader = VocabularyJSON(bytes: bytes, file: file)
        reader.content = "the JSON of a tokenizer"
        let root = try reader.document()
        func refuse(_ what: String) -> TokenizerError { TokenizerError(file, what) }
        guard let model = root["model"], case .object(let entries)? = model["vocab"],
            model["type"]?.text ?? "BPE" == "BPE"
        else {
            throw refuse("its model is \(root["model"]?["type"]?.shown ?? "missing"): expected CLIP's BPE")
        }
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
        var ids: [[UInt8]: UInt32] = [:]
        for (token, value) in entries {
            guard let id = value.id, ids.updateValue(id, forKey: token) == nil else {
                throw refuse("its vocabulary has a token without an id, or twice")
            }
        }
        return try Vocabulary(
            ids: ids, vocabularyFile: file, merges: merges(model["merges"], file), mergesFile: file,
            added: added(root["added_tokens"], file))
    }

    /// Merges are two tokens in a list, or in one string with a space between.
    private static func merges(_ value: RawJSON?, _ file: String) throws(TokenizerError) -> [Vocabulary.Merge] {
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

    private static func added(_ value: RawJSON?, _ file: String) throws(TokenizerError) -> [AddedToken] {
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

    /// Throws unless a step, or each of a sequence of steps, is of a known type.
    private static func check(
        _ step: RawJSON?, of known: [String], _ key: String, _ file: String
    ) throws(TokenizerError) {
        guard let step, step != .null else {
            throw TokenizerError(file, "it has no \(key): it is not CLIP's tokenizer")
        }
        var types: [String] = []
        if case .array(let steps)? = step["normalizers"] ?? step["pretokenizers"] {
            types = steps.map { $0["type"]?.text ?? "" }
        } else {
            types = [step["type"]?.text ?? ""]
        }
        guard types == known else {
            throw TokenizerError(
                file,
                "its \(key) is \(types.joined(separator: ", ")): expected CLIP's, \(known.joined(separator: ", "))")
        }
    }
}

/// JSON whose strings stay bytes: Swift's strings call different tokens equal.
indirect enum RawJSON: Equatable {
    case object([[UInt8]: RawJSON])
    case array([RawJSON])
    case string([UInt8])
    /// As it is written.
    case number([UInt8])
    case flag(Bool)
    case null

    subscript(_ key: String) -> RawJSON? {
        guard case .object(let entries) = self else { return nil }
        return entries[Array(key.utf8)]
    }

    var text: String? {
        guard case .string(let bytes) = self else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A natural number below a billion.
    var id: UInt32? {
        guard case .number(let digits) = self, digits.count < 10 else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self))
    }

    /// Whether the value turns nothing on: null, false, or an empty string.
    var isOff: Bool { self == .null || self == .flag(false) || self == .string([]) }

    var shown: String { text.map { "\"\($0.prefix(40))\"" } ?? "none" }
}

extension VocabularyJSON {
    /// Far deeper than any tokenizer's file; bounds the stack.
    private static let depthLimit = 64

    /// The whole file as one value.
    mutating func document() throws(TokenizerError) -> RawJSON {
        let value = try value(depth: 0)
        skipSpace()
        guard i == bytes.count else { throw malformed("more follows the object") }
        return value
    }

    private mutating func value(depth: Int) throws(TokenizerError) -> RawJSON {
        guard depth < Self.depthLimit else { throw malformed("values are nested too deep") }
        skipSpace()
        guard i < bytes.count else { throw malformed("a value is missing") }
        switch bytes[i] {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"):
            i += 1
            var entries: [[UInt8]: RawJSON] = [:]
            if skip("}") { return .object(entries) }
            repeat {
                let key = try string()
                try expect(":")
                guard entries.updateValue(try value(depth: depth + 1), forKey: key) == nil else {
                    throw malformed("a key is there twice")
                }
            } while skip(",")
            try expect("}")
            return .object(entries)
        case UInt8(ascii: "["):
            i += 1
            var items: [RawJSON] = []
            if skip("]") { return .array(items) }
            repeat { items.append(try value(depth: depth + 1)) } while skip(",")
            try expect("]")
            return .array(items)
        default: return try word()
        }
    }

    /// true, false, null or a number.
    private mutating func word() throws(TokenizerError) -> RawJSON {
        let start = i
        while i < bytes.count, !" \t\r\n,]}:".utf8.contains(bytes[i]) { i += 1 }
        let word = bytes[start..<i]
        if word.elementsEqual("true".utf8) { return .flag(true) }
        if word.elementsEqual("false".utf8) { return .flag(false) }
        if word.elementsEqual("null".utf8) { return .null }
        guard !word.isEmpty, word.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }) else {
            throw malformed("a value is neither a number nor true, false or null")
        }
        return .number(Array(word))
    }
}
