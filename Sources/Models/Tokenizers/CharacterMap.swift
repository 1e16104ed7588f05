/// SentencePiece's character map: it replaces the longest known byte sequence at each position of a text by another.
///
/// Format: a little-endian byte count, a double-array trie of that size in 32-bit units, then strings that end with
/// zero. Source: sentencepiece `normalizer.cc`; darts-clone; docs/MATHEMATICS.md, section 12.4.
struct CharacterMap: Sendable {
    private let units: [UInt32]
    private let strings: [UInt8]

    init(_ blob: [UInt8], _ file: String) throws(TokenizerError) {
        func word(_ at: Int) -> UInt32 {
            (0..<4).reduce(UInt32(0)) { $0 | UInt32(blob[at + $1]) << UInt32(8 * $1) }
        }
        guard blob.count >= 8, case let size = Int(word(0)), size >= 4, size % 4 == 0, size <= blob.count - 4 else {
            throw TokenizerError(file, "its map of characters is cut short")
        }
        units = stride(from: 4, to: 4 + size, by: 4).map(word)
        strings = Array(blob[(4 + size)...])
        // The longest string for NFKC has 33 bytes. The limit bounds the result for n bytes to 64 n bytes.
        guard strings.split(separator: 0).allSatisfy({ $0.count <= 64 }) else {
            throw TokenizerError(file, "its map of characters has a string of more than 64 bytes")
        }
    }

    func apply(_ text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        var i = 0
        while i < text.count {
            if let (length, place) = longest(text[i...].prefix(64)) {
                out += strings[place...].prefix { $0 != 0 }
                i += length
            } else {
                let length = UnigramTokens.length(text[i], room: text.count - i)
                out += text[i..<i + length]
                i += length
            }
        }
        return out
    }

    /// Returns the length in bytes of the longest known prefix of `text`, and the offset of its replacement.
    ///
    /// The offset is in `strings`. Returns nil if no prefix is known.
    private func longest(_ text: ArraySlice<UInt8>) -> (length: Int, place: Int)? {
        func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 512) >> 6) }
        var at = offset(units[0])
        var hit: (Int, Int)?
        for (count, byte) in text.enumerated() {
            at ^= Int(byte)
            guard units.indices.contains(at) else { break }
            let unit = units[at]
            guard unit & 0x8000_00FF == UInt32(byte) else { break }
            at ^= offset(unit)
            guard unit >> 8 & 1 == 1 else { continue }
            guard units.indices.contains(at), case let place = Int(units[at] & 0x7FFF_FFFF), place < strings.count
            else {
                break
            }
            hit = (count + 1, place)
        }
        return hit
    }
}
