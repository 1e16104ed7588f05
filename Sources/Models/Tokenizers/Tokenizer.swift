package import Foundation

/// A model's tokenizer: converts texts to token ids with the kind of vocabulary that the model has.
package struct Tokenizer: Sendable {
    private let model: any TokenModel

    /// The token before a text's own tokens; nil in families without one.
    package var startToken: Int? { model.startToken }
    package var endToken: Int { model.endToken }
    /// The largest id plus one.
    package var vocabularySize: Int { model.vocabularySize }
    /// The token that fills the places after the end token; nil if the text tower does not see them.
    package var padding: Int? { model.padding }

    /// CLIP's own vocabulary of 49,408 tokens, built into the program.
    package static func builtIn() throws(TokenizerError) -> Tokenizer { try bundled.get() }

    private static let bundled = Result { () throws(TokenizerError) in
        Tokenizer(CLIPTokens(try Vocabulary.builtIn()))
    }

    init(_ model: any TokenModel) { self.model = model }

    /// Reads a vocabulary in Hugging Face's layout: `vocab.json`, `merges.txt` and optionally `added_tokens.json`.
    package init(vocabulary: URL, merges: URL, added: URL? = nil) throws(TokenizerError) {
        self.init(CLIPTokens(try Vocabulary(vocabulary: vocabulary, merges: merges, added: added)))
    }

    /// Reads `tokenizer.json`, the file of Hugging Face's fast tokenizers: CLIP's BPE, BPE of pieces, or Unigram.
    package init(file: URL, cleaning: TextCleaning.Rule = .family) throws(TokenizerError) {
        try self.init(json: Vocabulary.read(file), name: file.path, cleaning: cleaning)
    }

    /// Reads a `tokenizer.json` from memory.
    package init(
        json: [UInt8], name: String = "tokenizer.json", cleaning: TextCleaning.Rule = .family
    ) throws(TokenizerError) {
        self.init(try TokenizerJSON.parse(json, name, cleaning))
    }

    /// Reads SentencePiece's own file, `spiece.model`, with a Unigram vocabulary.
    package init(sentencePiece file: URL, cleaning: TextCleaning.Rule = .family) throws(TokenizerError) {
        try self.init(sentencePiece: Vocabulary.read(file), name: file.path, cleaning: cleaning)
    }

    /// Reads a `spiece.model` from memory.
    package init(
        sentencePiece bytes: [UInt8], name: String = "spiece.model", cleaning: TextCleaning.Rule = .family
    ) throws(TokenizerError) {
        self.init(try SentencePieceFile.parse(bytes, name, cleaning))
    }

    /// Reads a vocabulary of two files from memory.
    package init(vocabulary: [UInt8], merges: [UInt8]) throws(TokenizerError) {
        self.init(
            CLIPTokens(
                try Vocabulary(vocabulary: vocabulary, file: "vocab.json", merges: merges, file: "merges.txt")))
    }

    /// Returns the tokens of a text, without start and end, without a limit.
    package func encode(_ text: String) -> [Int] { model.encode(text) }

    /// Returns the start token (if any), the text's tokens as far as `limit` allows, and the end token.
    ///
    /// In families whose text tower sees padding, the ids are filled up to `limit`. Source: CLIP4Clip's loaders, where
    /// `limit` is `max_words` and includes both special tokens; docs/MATHEMATICS.md, section 12.3.
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

/// A kind of vocabulary: it cleans a text, splits it, and looks up the tokens.
protocol TokenModel: Sendable {
    var startToken: Int? { get }
    var endToken: Int { get }
    var vocabularySize: Int { get }
    var padding: Int? { get }
    /// Returns the tokens of a text, without start and end, without a limit.
    func encode(_ text: String) -> [Int]
}

/// A vocabulary that could not be used, and why.
package struct TokenizerError: Error, Equatable, CustomStringConvertible {
    package let file: String
    package let problem: String

    init(_ file: String, _ problem: String) {
        self.file = file
        self.problem = problem
    }

    package var description: String { "\(file): \(problem)" }
}
