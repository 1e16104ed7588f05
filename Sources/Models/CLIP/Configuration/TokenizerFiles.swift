import Foundation
import Tokenizers

/// The tokenizer files of a model directory, in the form that was found.
///
/// CLIP reads `vocab.json`, `merges.txt` and, if present, `added_tokens.json`; else `tokenizer.json`; else the built-in
/// vocabulary. Other families read `spiece.model` or `tokenizer.json`.
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

    /// Throws if `tokenizer_config.json` or `special_tokens_map.json` has a setting that is not supported.
    func checkConfiguration(context: Int) throws {
        for config in try configurations() { try config.check(context: context) }
    }

    /// Remarks about unknown keys in the tokenizer's configuration files, one sentence each.
    ///
    /// Files that cannot be read are skipped.
    var notes: [String] { ((try? configurations()) ?? []).flatMap(\.notes) }

    private func configurations() throws -> [TokenizerConfig] {
        guard form != .builtIn else { return [] }
        return try ["tokenizer_config.json", "special_tokens_map.json"].compactMap { name in
            try ModelFile(name, in: folder).map { try TokenizerConfig($0, rule) }
        }
    }

    private var fileName: String {
        switch form {
        case .files, .builtIn: "vocab.json"
        case .single: "tokenizer.json"
        case .sentencePiece: "spiece.model"
        }
    }

    /// The greatest number of unused rows in the token embedding table, if the built-in vocabulary is used.
    ///
    /// Tables are often padded to round sizes; more unused rows mean that the model has another vocabulary.
    private static let padding = 1024

    /// Throws unless the tokenizer fits the model.
    ///
    /// The vocabulary must not have more tokens than the token embedding has `rows`, and its end token must be `end`,
    /// if the configuration names one.
    func check(_ tokenizer: Tokenizer, rows: Int, end: Int?) throws {
        for config in try configurations() { try config.check(tokenizer) }
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
