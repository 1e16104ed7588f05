package import Foundation

/// CLIP's byte-level BPE tokenizer.
///
/// Source: CLIP `simple_tokenizer.SimpleTokenizer`, as CLIP4Clip's data loaders use it. Text becomes scalars and bytes
/// at once, since `String` would call different vocabulary entries equal.
package struct Tokenizer: Sendable {
    package let startToken: Int
    package let endToken: Int
    package let vocabularySize: Int
    /// The token of each byte within a word, and of each that ends one.
    private let inner: [UInt32]
    private let last: [UInt32]
    private let encoding: BytePairEncoding
    private let added: [AddedToken]

    /// CLIP's own vocabulary of 49,408 tokens, built into the program.
    package static func builtIn() throws(TokenizerError) -> Tokenizer { try bundled.get() }

    private static let bundled = Result { () throws(TokenizerError) in try Tokenizer(Vocabulary.builtIn()) }

    /// A vocabulary in Hugging Face's layout: `vocab.json` and `merges.txt`, and perhaps `added_tokens.json`.
    package init(vocabulary: URL, merges: URL, added: URL? = nil) throws(TokenizerError) {
        self.init(try Vocabulary(vocabulary: vocabulary, merges: merges, added: added))
    }

    /// The single file of Hugging Face's fast tokenizers, `tokenizer.json`.
    package init(file: URL) throws(TokenizerError) { self.init(try Vocabulary(file: file)) }

    /// The same from memory.
    package init(json: [UInt8]) throws(TokenizerError) { self.init(try TokenizerJSON.parse(json, "tokenizer.json")) }

    /// The same from memory.
    package init(vocabulary: [UInt8], merges: [UInt8]) throws(TokenizerError) {
        self.init(try Vocabulary(vocabulary: vocabulary, file: "vocab.json", merges: merges, file: "merges.txt"))
    }

    private init(_ vocabulary: Vocabulary) {
        startToken = Int(vocabulary.start)
        endToken = Int(vocabulary.end)
        vocabularySize = vocabulary.size
        inner = vocabulary.inner
        last = vocabulary.last
        encoding = vocabulary.encoding
        added = vocabulary.added
    }

    /// The tokens of a text, without start and end, without a limit.
    package func encode(_ text: String) -> [Int] {
        guard !added.isEmpty else { return encodePlain(text) }
        return AddedToken.split(text, by: added).flatMap { part in
            switch part {
            case .text(let text): encodePlain(text)
            case .token(let id): [Int(id)]
            }
        }
    }

    /// The tokens of a text that no added token is cut out of.
    private func encodePlain(_ text: String) -> [Int] {
        let scalars = TextCleaning.clean(text)
        var tokens: [Int] = []
        for word in WordSplitter.words(of: scalars) {
            let word = scalars[word]
            // A special token written out in the text is that token, as in the reference.
            if word.elementsEqual(WordSplitter.start) {
                tokens.append(startToken)
            } else if word.elementsEqual(WordSplitter.end) {
                tokens.append(endToken)
            } else {
                let bytes = word.flatMap(UTF8.bytes)
                let symbols = bytes.dropLast().map { inner[Int($0)] } + bytes.suffix(1).map { last[Int($0)] }
                tokens += encoding.merge(symbols).map(Int.init)
            }
        }
        return tokens
    }

    /// The start token, the text's tokens as far as `limit` allows, the end token; not padded.
    ///
    /// Source: CLIP4Clip's loaders, where `limit` is `max_words` and counts both special tokens.
    package func tokens(_ text: String, limit: Int) -> (ids: [Int], truncated: Bool) {
        precondition(limit >= 2, "a limit below 2 leaves no room for the start and end tokens")
        let ids = encode(text)
        return ([startToken] + ids.prefix(limit - 2) + [endToken], ids.count > limit - 2)
    }
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

extension UTF8 {
    fileprivate static func bytes(of scalar: Unicode.Scalar) -> [UInt8] { Array(String(scalar).utf8) }
}
