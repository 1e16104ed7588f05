import Foundation

/// Which files of a model directory are its tokenizer.
///
/// `vocab.json` and `merges.txt`, with `added_tokens.json` if it is there; or else `tokenizer.json`; or else CLIP's own
/// vocabulary, which is built in.
struct TokenizerFiles {
    private enum Form { case files, single, builtIn }

    private let folder: URL
    private let form: Form

    init(_ folder: URL) {
        self.folder = folder
        func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder.appending(path: name).path) }
        form = has("vocab.json") ? .files : has("tokenizer.json") ? .single : .builtIn
    }

    func tokenizer() throws(TokenizerError) -> Tokenizer {
        switch form {
        case .files:
            let added = folder.appending(path: "added_tokens.json")
            return try Tokenizer(
                vocabulary: folder.appending(path: "vocab.json"), merges: folder.appending(path: "merges.txt"),
                added: FileManager.default.fileExists(atPath: added.path) ? added : nil)
        case .single: return try Tokenizer(file: folder.appending(path: "tokenizer.json"))
        case .builtIn: return try Tokenizer.builtIn()
        }
    }

    /// Throws if `tokenizer_config.json` or `special_tokens_map.json` name another tokenizer, or other tokens than
    /// CLIP's.
    ///
    /// Source: transformers `CLIPTokenizer`: it heeds no `do_lower_case`, and cuts texts at `model_max_length`.
    func checkConfiguration(context: Int) throws {
        guard form != .builtIn else { return }
        for name in ["tokenizer_config.json", "special_tokens_map.json"] {
            guard let json = try ModelFile(name, in: folder).map(ModelJSON.init) else { continue }
            try json.expect(
                "tokenizer_class", "CLIPTokenizer", "CLIPTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend")
            for (key, expected) in [("bos_token", WordSplitter.start), ("eos_token", WordSplitter.end)] {
                let said = json.object[key] as? String ?? (json.object[key] as? [String: Any])?["content"] as? String
                let token = String(String.UnicodeScalarView(expected))
                guard let said, said != token else { continue }
                throw json.refusal(key, "expected \(token)")
            }
            if let limit = json.object["model_max_length"] as? Double, limit < Double(context) {
                throw json.refusal("model_max_length", "expected at least the model's context of \(context) tokens")
            }
        }
    }

    /// Rows beyond CLIP's own vocabulary that may be padding: tables are padded to multiples of at most this.
    private static let padding = 1024

    /// Throws if ids and the rows of the token table do not belong together.
    static func check(_ tokenizer: Tokenizer, of folder: URL, rows: Int, end: Int?) throws(ModelError) {
        let tokens = tokenizer.vocabularySize
        let isBuiltIn = TokenizerFiles(folder).form == .builtIn
        guard tokens <= rows, !isBuiltIn || rows - tokens < padding else {
            throw ModelError(
                folder.path,
                isBuiltIn
                    ? "vocab.json and merges.txt are missing: CLIP's own vocabulary has \(tokens) tokens, the weights \(rows)"
                    : "the vocabulary has \(tokens) tokens, the weights \(rows) (vocab.json)")
        }
        if let end, end != tokenizer.endToken {
            throw ModelError(
                folder.path,
                "\"eos_token_id\": expected the vocabulary's end token \(tokenizer.endToken) or 2, found \(end); texts "
                    + "would be pooled where no end is")
        }
    }
}
