import CVocabulary
import Checkpoints
import Foundation

/// The tables of CLIP's tokenizer: the ids of single bytes and special tokens, and the merge rules.
struct Vocabulary {
    let size: Int
    let start: UInt32
    let end: UInt32
    /// The token id of each byte value inside a word; `last` has the ids of bytes that end a word.
    let inner: [UInt32]
    let last: [UInt32]
    let encoding: BytePairEncoding
    /// The tokens that are cut out of a text before it is split, except the start and end token.
    let added: [AddedToken]

    /// A token in UTF-8, as the vocabulary file writes it.
    typealias Token = [UInt8]

    /// The largest accepted vocabulary file in bytes; CLIP's files have about 1 MB.
    private static let fileLimit = 64 << 20

    /// Returns CLIP's built-in vocabulary.
    ///
    /// Ids in order: 256 bytes, the same at the end of a word, merged tokens, start and end token. Source: CLIP
    /// `SimpleTokenizer.__init__`.
    static func builtIn() throws(TokenizerError) -> Vocabulary {
        let name = "the built-in vocabulary"
        let file = UnsafeRawBufferPointer(start: watchword_clip_merges_bytes(), count: watchword_clip_merges_size)
        let merges = try parseMerges(Array(file), file: name)
        var tokens = ByteAlphabet.symbols + ByteAlphabet.symbols.map { $0 + ByteAlphabet.wordEnd }
        tokens += merges.map { $0.left + $0.right }
        tokens += [specialToken(WordSplitter.start), specialToken(WordSplitter.end)]
        let ids = Dictionary(zip(tokens, UInt32(0)...)) { $1 }
        return try Vocabulary(ids: ids, vocabularyFile: name, merges: merges, mergesFile: name)
    }

    /// Reads the files that Hugging Face's `CLIPTokenizer.save_vocabulary` writes, and optionally `added_tokens.json`.
    init(vocabulary: URL, merges: URL, added: URL? = nil) throws(TokenizerError) {
        let more: [AddedToken] =
            if let added {
                try VocabularyJSON.parse(Self.read(added), file: added.path)
                    .map { AddedToken(content: $0.key, id: $0.value, ignoresCase: false) }
            } else {
                []
            }
        try self.init(
            vocabulary: Self.read(vocabulary), file: vocabulary.path, merges: Self.read(merges), file: merges.path,
            added: more)
    }

    /// Parses the contents of `vocab.json` and `merges.txt`; the file names appear in error messages.
    init(
        vocabulary: [UInt8], file vocabularyFile: String, merges: [UInt8], file mergesFile: String,
        added: [AddedToken] = []
    ) throws(TokenizerError) {
        try self.init(
            ids: try VocabularyJSON.parse(vocabulary, file: vocabularyFile), vocabularyFile: vocabularyFile,
            merges: try Self.parseMerges(merges, file: mergesFile), mergesFile: mergesFile, added: added)
    }

    /// Checks that vocabulary, added tokens and merge rules fit together, and builds the tables.
    init(
        ids: [Token: UInt32], vocabularyFile: String, merges: [Merge], mergesFile: String, added: [AddedToken]
    ) throws(TokenizerError) {
        var ids = ids
        for token in added {
            guard ids.updateValue(token.id, forKey: token.content) ?? token.id == token.id, !token.content.isEmpty
            else {
                throw TokenizerError(
                    vocabularyFile, "the token \(Self.quoted(token.content)) was added with another id than it has")
            }
        }
        // Each id is a row of the token embedding, so ids must be 0 to count - 1, each once.
        var isTaken = [Bool](repeating: false, count: ids.count)
        for id in ids.values {
            guard id < ids.count, !isTaken[Int(id)] else {
                throw TokenizerError(
                    vocabularyFile, "the \(ids.count) tokens must have the ids 0 to \(ids.count - 1), each once")
            }
            isTaken[Int(id)] = true
        }
        try self.init(
            ids: ids, vocabularyFile: vocabularyFile, merges: merges, mergesFile: mergesFile,
            cutOut: added.filter { !Self.special.contains($0.content) })
    }

    private static let special = [specialToken(WordSplitter.start), specialToken(WordSplitter.end)]

    private init(
        ids: [Token: UInt32], vocabularyFile: String, merges: [Merge], mergesFile: String, cutOut: [AddedToken] = []
    ) throws(TokenizerError) {
        func id(_ token: Token) throws(TokenizerError) -> UInt32 {
            guard let id = ids[token] else {
                throw TokenizerError(vocabularyFile, "the token \(Self.quoted(token)) is missing")
            }
            return id
        }
        size = ids.count
        start = try id(Self.specialToken(WordSplitter.start))
        end = try id(Self.specialToken(WordSplitter.end))
        var (inner, last) = ([UInt32](repeating: 0, count: 256), [UInt32](repeating: 0, count: 256))
        for (byte, symbol) in zip(ByteAlphabet.bytes, ByteAlphabet.symbols) {
            inner[Int(byte)] = try id(symbol)
            last[Int(byte)] = try id(symbol + ByteAlphabet.wordEnd)
        }
        (self.inner, self.last) = (inner, last)
        var encoding = BytePairEncoding(minimumCapacity: merges.count)
        var reachable = Set(inner).union(last)
        for (rank, merge) in merges.enumerated() {
            guard let left = ids[merge.left], let right = ids[merge.right], let merged = ids[merge.left + merge.right]
            else {
                let words = "\(Self.quoted(merge.left)) and \(Self.quoted(merge.right))"
                throw TokenizerError(
                    mergesFile, "merge \(rank + 1), of \(words), takes or makes a token that the vocabulary lacks")
            }
            encoding.add(left: left, right: right, merged: merged, rank: UInt32(rank))
            reachable.insert(merged)
        }
        // A truncated file of merges would produce wrong tokens silently. Added tokens, <like this>, need no merge.
        let free = Set(cutOut.map(\.id))
        let stray = ids.first { token, id in
            !free.contains(id) && !reachable.contains(id)
                && !(token.first == UInt8(ascii: "<") && token.last == UInt8(ascii: ">"))
        }
        if let stray {
            throw TokenizerError(
                mergesFile, "no merge makes the vocabulary's token \(Self.quoted(stray.key)): is the file cut short?")
        }
        self.encoding = encoding
        added = cutOut
    }

    struct Merge {
        let left, right: Token
    }

    /// Parses `merges.txt`: one merge rule on each line, after an optional first line with the version.
    private static func parseMerges(_ bytes: [UInt8], file: String) throws(TokenizerError) -> [Merge] {
        var merges: [Merge] = []
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)[...]
        if lines.first?.starts(with: "#version".utf8) == true { lines.removeFirst() }
        while let line = lines.last, line.allSatisfy({ $0 == 0x0D || $0 == 0x20 }) { lines.removeLast() }
        merges.reserveCapacity(lines.count)
        for (i, line) in zip(lines.indices, lines) {
            let line = line.last == 0x0D ? line.dropLast() : line
            let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw TokenizerError(file, "line \(i + 1) is not two tokens with a space between them")
            }
            merges.append(Merge(left: Array(parts[0]), right: Array(parts[1])))
        }
        return merges
    }

    static func read(_ url: URL) throws(TokenizerError) -> [UInt8] {
        do {
            let file = try MappedFile(path: url.path)
            guard file.count <= fileLimit else {
                throw TokenizerError(url.path, "it has \(file.count) bytes, more than the limit of \(fileLimit)")
            }
            return file.withBytes(0..<file.count) { Array($0) }
        } catch let error as TokenizerError {
            throw error
        } catch let error as CheckpointError {
            guard case .cannotOpen(let why) = error.reason else { throw TokenizerError(url.path, "\(error)") }
            throw TokenizerError(url.path, "it cannot be opened: \(why)")
        } catch {
            throw TokenizerError(url.path, "\(error)")
        }
    }

    private static func specialToken(_ scalars: [Unicode.Scalar]) -> Token { scalars.map { UInt8($0.value) } }

    /// Returns a token in quotes for an error message, cut to 60 bytes, since an untrusted file may hold long ones.
    private static func quoted(_ token: Token) -> String { "\"\(String(decoding: token.prefix(60), as: UTF8.self))\"" }
}
