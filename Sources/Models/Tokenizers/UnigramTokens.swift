import Foundation

/// SentencePiece's Unigram tokenizer: splits a text into the vocabulary pieces with the greatest sum of scores.
///
/// Source: sentencepiece `unigram_model.cc`; tokenizers `models/unigram/model.rs`; docs/MATHEMATICS.md, section 12.4.
struct UnigramTokens: TokenModel {
    /// A vocabulary entry (piece of text) with its score; nil for pieces that texts never match, such as the end token.
    struct Piece {
        let bytes: [UInt8]
        let score: Double?
    }

    let startToken: Int? = nil
    let endToken: Int
    let vocabularySize: Int
    /// The id of the padding token: SigLIP pads texts with the end token.
    var padding: Int? { endToken }
    private let cleaning: TextCleaning.Rule
    private let characters: CharacterMap?
    private let trie: PieceTrie
    private let unknown: Int
    /// The score of a character that no piece of the vocabulary matches.
    private let unknownScore: Double

    init(
        pieces: [Piece], unknown: Int, characters: CharacterMap?, file: String, cleaning: TextCleaning.Rule
    ) throws(TokenizerError) {
        guard pieces.indices.contains(unknown) else {
            throw TokenizerError(file, "its unknown token \(unknown) is not among its \(pieces.count) pieces")
        }
        guard let end = pieces.firstIndex(where: { $0.bytes.elementsEqual("</s>".utf8) }) else {
            throw TokenizerError(file, "its vocabulary has no </s>")
        }
        var trie = PieceTrie()
        var lowest = Double.infinity
        for (id, piece) in pieces.enumerated() where id != unknown {
            guard let score = piece.score, !piece.bytes.isEmpty else { continue }
            guard score.isFinite else { throw TokenizerError(file, "piece \(id) has no finite score") }
            trie.insert(piece.bytes, id: id, score: score)
            lowest = min(lowest, score)
        }
        guard lowest.isFinite else { throw TokenizerError(file, "it has no pieces with scores") }
        unknownScore = lowest - 10
        endToken = end
        vocabularySize = pieces.count
        (self.trie, self.unknown, self.characters, self.cleaning) = (trie, unknown, characters, cleaning)
    }

    /// Makes the tokenizer from a parsed `tokenizer.json` whose model type is Unigram.
    init(
        _ root: RawJSON, _ model: RawJSON, _ file: String, _ cleaning: TextCleaning.Rule
    ) throws(TokenizerError) {
        func refuse(_ what: String) -> TokenizerError { TokenizerError(file, what) }
        guard case .array(let entries)? = model["vocab"], let unknown = model["unk_id"]?.id else {
            throw refuse("its Unigram has no vocabulary, or no unk_id")
        }
        guard model["byte_fallback"]?.isOff ?? true else {
            throw refuse("its Unigram has byte_fallback, which is not read")
        }
        let special = Set(try TokenizerJSON.added(root["added_tokens"], file).map(\.content))
        var pieces: [Piece] = []
        for entry in entries {
            guard case .array(let pair) = entry, pair.count == 2, case .string(let bytes) = pair[0],
                case .number(let digits) = pair[1], let score = Double(String(decoding: digits, as: UTF8.self))
            else { throw refuse("piece \(pieces.count) is not a string with a score") }
            pieces.append(Piece(bytes: bytes, score: special.contains(bytes) ? nil : score))
        }
        var characters: CharacterMap?
        for step in TokenizerJSON.steps(root["normalizer"]) {
            switch step["type"]?.text {
            case "Precompiled":
                guard let text = step["precompiled_charsmap"]?.text, let blob = Data(base64Encoded: text) else {
                    throw refuse("its precompiled_charsmap is no Base64")
                }
                characters = try CharacterMap(Array(blob), file)
            case "Replace", "Strip", "Lowercase": continue  // canonical text already has single spaces and lower case
            default: throw refuse("its normalizer has \(step["type"]?.shown ?? "no type"), which is not read")
            }
        }
        for step in TokenizerJSON.steps(root["pre_tokenizer"])
        where !["Metaspace", "WhitespaceSplit"].contains(step["type"]?.text) {
            throw refuse("its pre_tokenizer has \(step["type"]?.shown ?? "a step without a type"), which is not read")
        }
        try self.init(
            pieces: pieces, unknown: Int(unknown), characters: characters, file: file, cleaning: cleaning)
    }

    func encode(_ text: String) -> [Int] {
        let cleaned =
            cleaning == .family
            ? String(TextCleaning.canonical(Array(text.unicodeScalars))) : TextCleaning.clean(text, cleaning)
        let mapped = characters?.apply(Array(cleaned.utf8)) ?? Array(cleaned.utf8)
        let words = mapped.split(separator: 0x20)
        return words.isEmpty ? [] : best(words.flatMap { Self.mark + $0 })
    }

    /// The UTF-8 of U+2581, which SentencePiece puts before every word.
    private static let mark = Array("\u{2581}".utf8)

    /// Finds the pieces with the greatest sum of scores by Viterbi's algorithm; returns their ids.
    private func best(_ text: [UInt8]) -> [Int] {
        var scores = [Double](repeating: -.infinity, count: text.count + 1)
        var ends: [(start: Int, id: Int)] = Array(repeating: (0, unknown), count: text.count + 1)
        scores[0] = 0
        for start in text.indices where scores[start] > -.infinity {
            let next = start + Self.length(text[start], room: text.count - start)
            var isKnown = false
            trie.matches(text, from: start) { end, id, score in
                isKnown = isKnown || end == next
                guard scores[start] + score > scores[end] else { return }
                (scores[end], ends[end]) = (scores[start] + score, (start, id))
            }
            if !isKnown, scores[start] + unknownScore > scores[next] {
                (scores[next], ends[next]) = (scores[start] + unknownScore, (start, unknown))
            }
        }
        var ids: [Int] = []
        var at = text.count
        while at > 0 {
            let (start, id) = ends[at]
            // Adjacent unknown characters become one unknown token.
            if id != unknown || ids.last != unknown { ids.append(id) }
            at = start
        }
        return ids.reversed()
    }

    /// Returns the number of bytes of the UTF-8 character whose first byte is `byte`, but at most `room`.
    static func length(_ byte: UInt8, room: Int) -> Int {
        min(room, byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4)
    }
}

/// A trie that finds vocabulary pieces by their bytes.
struct PieceTrie: Sendable {
    /// Maps a node (upper bits) and the next byte (lower 8 bits) to the node that follows; the root is 0.
    private var next: [UInt64: Int32] = [:]
    private var pieces: [Int32: (id: Int, score: Double)] = [:]
    private var count: Int32 = 1

    /// Adds a piece to the trie; if the same bytes were added before, the earlier piece stays.
    mutating func insert(_ bytes: [UInt8], id: Int, score: Double) {
        var node: Int32 = 0
        for byte in bytes {
            let key = Self.key(node, byte)
            if let known = next[key] {
                node = known
            } else {
                next[key] = count
                node = count
                count += 1
            }
        }
        if pieces[node] == nil { pieces[node] = (id, score) }
    }

    /// Calls `body` for every piece that the text contains at index `from`, the shortest first.
    ///
    /// `end` is the index after the piece.
    func matches(_ text: [UInt8], from: Int, _ body: (_ end: Int, _ id: Int, _ score: Double) -> Void) {
        var node: Int32 = 0
        for at in from..<text.count {
            guard let following = next[Self.key(node, text[at])] else { return }
            node = following
            if let piece = pieces[node] { body(at + 1, piece.id, piece.score) }
        }
    }

    private static func key(_ node: Int32, _ byte: UInt8) -> UInt64 { UInt64(node) << 8 | UInt64(byte) }
}
