package import Foundation

/// A model's tokenizer: converts texts to token ids.
package struct Tokenizer: Sendable {
    private let model: any TokenModel

    /// The id of the token that precedes a text; nil in model families without one.
    package var startToken: Int? { model.startToken }
    package var endToken: Int { model.endToken }
    /// The largest token id plus one.
    package var vocabularySize: Int { model.vocabularySize }
    /// The id of the token that fills the context after the end token; nil if texts are not padded.
    package var padding: Int? { model.padding }

    /// Returns the tokenizer with CLIP's vocabulary of 49,408 tokens, which is built into the program.
    package static func builtIn() throws(TokenizerError) -> Tokenizer { try bundled.get() }

    private static let bundled = Result { () throws(TokenizerError) in
        Tokenizer(CLIPTokens(try Vocabulary.builtIn()))
    }

    init(_ model: any TokenModel) { self.model = model }

    /// Reads a CLIP tokenizer from `vocab.json`, `merges.txt` and optionally `added_tokens.json`.
    package init(vocabulary: URL, merges: URL, added: URL? = nil) throws(TokenizerError) {
        self.init(CLIPTokens(try Vocabulary(vocabulary: vocabulary, merges: merges, added: added)))
    }

    /// Reads `tokenizer.json`, the file of Hugging Face's fast tokenizers, of CLIP, Gemma or a Unigram vocabulary.
    package init(file: URL, cleaning: TextCleaning.Rule = .family) throws(TokenizerError) {
        try self.init(json: Vocabulary.read(file), name: file.path, cleaning: cleaning)
    }

    /// Parses the content of a `tokenizer.json`; `name` appears in error messages.
    package init(
        json: [UInt8], name: String = "tokenizer.json", cleaning: TextCleaning.Rule = .family
    ) throws(TokenizerError) {
        self.init(try TokenizerJSON.parse(json, name, cleaning))
    }

    /// Reads `spiece.model`, SentencePiece's file with a Unigram vocabulary.
    package init(sentencePiece file: URL, cleaning: TextCleaning.Rule = .family) throws(TokenizerError) {
        try self.init(sentencePiece: Vocabulary.read(file), name: file.path, cleaning: cleaning)
    }

    /// Parses the content of a `spiece.model`; `name` appears in error messages.
    package init(
        sentencePiece bytes: [UInt8], name: String = "spiece.model", cleaning: TextCleaning.Rule = .family
    ) throws(TokenizerError) {
        self.init(try SentencePieceFile.parse(bytes, name, cleaning))
    }

    /// Parses the contents of CLIP's `vocab.json` and `merges.txt`.
    package init(vocabulary: [UInt8], merges: [UInt8]) throws(TokenizerError) {
        self.init(
            CLIPTokens(
                try Vocabulary(vocabulary: vocabulary, file: "vocab.json", merges: merges, file: "merges.txt")))
    }

    /// Returns all token ids of a text, without start and end token.
    package func encode(_ text: String) -> [Int] { model.encode(text) }

    /// Returns the token ids of a text with start and end token, at most `limit` ids, and whether the text was cut.
    ///
    /// Model families with a padding token fill the ids up to `limit`. Source: CLIP4Clip's loaders, where `limit` is
    /// `max_words` and includes both special tokens; docs/MATHEMATICS.md, section 12.3.
    package func tokens(_ text: String, limit: Int) -> (ids: [Int], truncated: Bool) {
        precondition(limit >= 2, "a limit below 2 leaves no room for the start and end tokens")
        let ids = encode(text)
        let start = startToken.map { [$0] } ?? []
        let room = limit - 1 - start.count
        let whole = start + ids.prefix(room) + [endToken]
        let filling = padding.map { [Int](repeating: $0, count: limit - whole.count) } ?? []
        return (whole + filling, ids.count > room)
    }
}

/// A kind of tokenizer: it cleans a text, splits it and looks up token ids.
protocol TokenModel: Sendable {
    var startToken: Int? { get }
    var endToken: Int { get }
    var vocabularySize: Int { get }
    var padding: Int? { get }
    /// Returns all token ids of a text, without start and end token.
    func encode(_ text: String) -> [Int]
}

/// An error about a tokenizer file: its path, and the reason why it cannot be used.
package struct TokenizerError: Error, Equatable, CustomStringConvertible {
    package let file: String
    package let problem: String

    init(_ file: String, _ problem: String) {
        self.file = file
        self.problem = problem
    }

    package var description: String { "\(file): \(problem)" }
}
