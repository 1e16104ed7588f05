import CVocabulary

/// The contents of the vocabulary files of Hugging Face's `CLIPTokenizer`, made from CLIP's built-in vocabulary.
package enum VocabularyFiles {
    /// The number of tokens in CLIP's built-in vocabulary.
    package static let size = 49408

    /// The content of `merges.txt`: a line with the version, then one merge rule on each line, lowest rank first.
    package static var merges: [UInt8] {
        var text = Array("#version: 0.2\n".utf8) + bytes
        if text.last != newline { text.append(newline) }
        return text
    }

    /// The content of `vocab.json` in UTF-8: one JSON object that maps tokens to ids, in the order of the ids.
    ///
    /// Source: CLIP `SimpleTokenizer.__init__`: bytes, bytes at a word's end, merged tokens, start, end.
    package static var vocabulary: [UInt8] {
        var tokens = ByteAlphabet.symbols + ByteAlphabet.symbols.map { $0 + ByteAlphabet.wordEnd }
        tokens += bytes.split(separator: newline).map { line in line.filter { $0 != UInt8(ascii: " ") } }
        tokens += ["<|startoftext|>", "<|endoftext|>"].map { Array($0.utf8) }
        var out: [UInt8] = []
        for (id, token) in tokens.enumerated() {
            out += Array((id == 0 ? "{\"" : ", \"").utf8)
            // Of the characters that JSON must escape, tokens contain only these two.
            for byte in token {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { out.append(UInt8(ascii: "\\")) }
                out.append(byte)
            }
            out += Array("\": \(id)".utf8)
        }
        return out + Array("}\n".utf8)
    }

    private static let newline = UInt8(ascii: "\n")

    private static var bytes: [UInt8] {
        Array(UnsafeRawBufferPointer(start: watchword_clip_merges_bytes(), count: watchword_clip_merges_size))
    }
}
