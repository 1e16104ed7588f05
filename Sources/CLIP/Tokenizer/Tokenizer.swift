import CVocabulary
package import Foundation

/// CLIP's byte-level BPE tokenizer.
///
/// Source: openai/CLIP `simple_tokenizer.py`; CLIP4CLIP section 8. Works on code points and bytes, never on Swift's
/// characters, whose equality is canonical.
package struct Tokenizer: Sendable {
    package let startToken: Int
    package let endToken: Int
    package let vocabularySize: Int
    private let pairs: BytePairs
    /// Vocabulary id of each symbol of `pairs`.
    private let ids: [Int]

    private static let start = "<|startoftext|>"
    private static let end = "<|endoftext|>"

    /// CLIP's own vocabulary of 49,408 tokens.
    package static func builtIn() throws(TokenizerError) -> Tokenizer {
        var size = 0
        let bytes = watchword_clip_merges(&size)
        let text = String(decoding: UnsafeRawBufferPointer(start: bytes, count: size), as: UTF8.self)
        let merges = text.split(separator: "\n").map(String.init)
        var vocabulary: [String: Int] = [:]
        let alphabet = ByteAlphabet.inVocabularyOrder.map { String(Character($0)) }
        for symbol in alphabet + alphabet.map({ $0 + "</w>" }) { vocabulary[symbol] = vocabulary.count }
        for merge in merges { vocabulary[merge.replacing(" ", with: "")] = vocabulary.count }
        vocabulary[start] = vocabulary.count
        vocabulary[end] = vocabulary.count
        return try Tokenizer(vocabulary: vocabulary, merges: merges, origin: "the built-in vocabulary")
    }

    /// Hugging Face's layout: `vocab.json` (token to id) and `merges.txt` (one "left right" a line after its header).
    package init(vocabulary: URL, merges: URL) throws(TokenizerError) {
        guard let data = try? Data(contentsOf: vocabulary) else {
            throw TokenizerError("\(vocabulary.path): the vocabulary cannot be read")
        }
        // Keys that differ but are canonically equal would collapse here; the byte alphabet has no such characters.
        guard let ids = try? JSONDecoder().decode([String: Int].self, from: data) else {
            throw TokenizerError("\(vocabulary.path): the vocabulary is not a JSON object of token to id")
        }
        guard let text = try? String(contentsOf: merges, encoding: .utf8) else {
            throw TokenizerError("\(merges.path): the merges cannot be read")
        }
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#version") }.map(String.init)
        try self.init(vocabulary: ids, merges: lines, origin: vocabulary.path)
    }

    private init(vocabulary: [String: Int], merges: [String], origin: String) throws(TokenizerError) {
        guard let start = vocabulary[Self.start], let end = vocabulary[Self.end] else {
            throw TokenizerError("\(origin): the vocabulary has no \(Self.start) and \(Self.end)")
        }
        guard vocabulary.values.allSatisfy({ $0 >= 0 && $0 < 10_000_000 }) else {
            throw TokenizerError("\(origin): the vocabulary has an id outside of 0 to 9,999,999")
        }
        pairs = try BytePairs(merges: merges, origin: origin)
        var ids: [Int] = []
        for symbol in pairs.symbols {
            guard let id = vocabulary[symbol] else {
                throw TokenizerError("\(origin): the merges make \"\(symbol)\", which the vocabulary does not have")
            }
            ids.append(id)
        }
        self.ids = ids
        startToken = start
        endToken = end
        vocabularySize = vocabulary.count
    }

    /// Ids of a text: no start or end token, no limit.
    package func encode(_ text: String) -> [Int] {
        var out: [Int] = []
        for word in WordSplitter.words(TextCleaning.clean(text)) {
            if word.elementsEqual(Self.start.unicodeScalars) {
                out.append(startToken)
            } else if word.elementsEqual(Self.end.unicodeScalars) {
                out.append(endToken)
            } else {
                out += pairs.encode(Array(String(String.UnicodeScalarView(word)).utf8)).map { ids[$0] }
            }
        }
        return out
    }

    /// What the text tower is given: start, the text's ids cut to `limit - 2`, end. Not padded.
    package func tokens(_ text: String, limit: Int) -> (ids: [Int], truncated: Bool) {
        let all = encode(text)
        let room = max(0, limit - 2)
        return ([startToken] + all.prefix(room) + [endToken], all.count > room)
    }
}

/// A vocabulary that cannot be used: one sentence that names the file.
package struct TokenizerError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
