import Foundation
import Tokenizers

/// Which files of a model directory are its tokenizer.
///
/// For CLIP `vocab.json` and `merges.txt`, with `added_tokens.json` if it is there; or else `tokenizer.json`; or else
/// CLIP's own vocabulary, which is built in. For other families `spiece.model` or `tokenizer.json`.
struct TokenizerFiles {
    private enum Form { case files, single, sentencePiece, builtIn }

    private let folder: URL
    private let rule: Tokenization
    private let form: Form

    init(_ folder: URL, _ rule: Tokenization) {
        (self.folder, self.rule) = (folder, rule)
        func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder.appending(path: name).path) }
        if rule.isCLIP {
            form = has("vocab.json") ? .files : has("tokenizer.json") ? .single : .builtIn
        } else {
            form = has("spiece.model") ? .sentencePiece : has("tokenizer.json") ? .single : .builtIn
        }
    }

    func tokenizer() throws -> Tokenizer {
        guard !rule.needsFiles || form != .builtIn else {
            throw ModelError(folder.path, "tokenizer.json is missing, without which texts have no tokens")
        }
        switch form {
        case .files:
            let added = folder.appending(path: "added_tokens.json")
            return try Tokenizer(
                vocabulary: folder.appending(path: "vocab.json"), merges: folder.appending(path: "merges.txt"),
                added: FileManager.default.fileExists(atPath: added.path) ? added : nil)
        case .single:
            let tokenizer = try Tokenizer(file: folder.appending(path: "tokenizer.json"), cleaning: rule.cleaning)
            guard rule.isCLIP == (tokenizer.startToken != nil) else {
                throw ModelError(
                    folder.path,
                    "tokenizer.json is \(rule.isCLIP ? "not CLIP's" : "CLIP's"), and the model's towers are not")
            }
            return tokenizer
        case .sentencePiece:
            return try Tokenizer(sentencePiece: folder.appending(path: "spiece.model"), cleaning: rule.cleaning)
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
            let classes =
                rule.isCLIP
                ? ["CLIPTokenizer"] : ["GemmaTokenizer", "Siglip2Tokenizer", "SiglipTokenizer", "T5Tokenizer"]
            try json.expect(
                "tokenizer_class",
                any: classes.flatMap { [$0, "\($0)Fast"] } + ["PreTrainedTokenizerFast", "TokenizersBackend"])
            for (key, token) in ModelFilesWriter.specialTokens
            where rule.isCLIP && ["bos_token", "eos_token"].contains(key) {
                let said = json.object[key] as? String ?? (json.object[key] as? [String: Any])?["content"] as? String
                guard let said, said != token else { continue }
                throw json.refusal(key, "expected \(token)")
            }
            if let limit = json.object["model_max_length"] as? Double, limit < Double(context) {
                throw json.refusal("model_max_length", "expected at least the model's context of \(context) tokens")
            }
        }
    }

    private var fileName: String {
        switch form {
        case .files, .builtIn: "vocab.json"
        case .single: "tokenizer.json"
        case .sentencePiece: "spiece.model"
        }
    }

    /// Rows beyond CLIP's own vocabulary that may be padding: tables are padded to multiples of at most this.
    private static let padding = 1024

    /// Throws if ids and the rows of the token table do not belong together.
    func check(_ tokenizer: Tokenizer, rows: Int, end: Int?) throws(ModelError) {
        let tokens = tokenizer.vocabularySize
        let isBuiltIn = form == .builtIn
        guard tokens <= rows, !isBuiltIn || rows - tokens < Self.padding else {
            throw ModelError(
                folder.path,
                isBuiltIn
                    ? "vocab.json and merges.txt are missing: CLIP's own vocabulary has \(tokens) tokens, the weights \(rows)"
                    : "the vocabulary has \(tokens) tokens, the weights \(rows) (\(fileName))")
        }
        if let end, end != tokenizer.endToken {
            throw ModelError(
                folder.path,
                "\"eos_token_id\": expected the vocabulary's end token \(tokenizer.endToken) or 2, found \(end); texts "
                    + "would be pooled where no end is")
        }
    }
}
