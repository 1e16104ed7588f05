/// A JSON value whose strings are bytes, because Swift's `String` considers some different tokens equal.
indirect enum RawJSON: Equatable {
    case object([[UInt8]: RawJSON])
    case array([RawJSON])
    case string([UInt8])
    /// A JSON number, as the bytes that are written in the file.
    case number([UInt8])
    case flag(Bool)
    case null

    subscript(_ key: String) -> RawJSON? {
        guard case .object(let entries) = self else { return nil }
        return entries[Array(key.utf8)]
    }

    var text: String? {
        guard case .string(let bytes) = self else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The value as an unsigned integer of at most nine digits; nil for anything else.
    var id: UInt32? {
        guard case .number(let digits) = self, digits.count < 10 else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self))
    }

    /// True if the value turns a setting off: null, false, or an empty string.
    var isOff: Bool { self == .null || self == .flag(false) || self == .string([]) }

    var shown: String { text.map { "\"\($0.prefix(40))\"" } ?? "none" }
}

extension VocabularyJSON {
    /// The greatest accepted nesting of JSON values, more than any tokenizer file has; it bounds the use of the stack.
    private static let depthLimit = 64
    /// The greatest accepted number of JSON values in a file.
    ///
    /// Gemma's 256,000 tokens and 580,000 merges as pairs are 2 million values. The limit bounds memory: a value takes
    /// up to 100 bytes, and may stand for only two bytes of the file.
    static let valueLimit = 4_000_000

    /// Parses the whole file as one JSON value; throws if more follows.
    mutating func document() throws(TokenizerError) -> RawJSON {
        let value = try value(depth: 0)
        skipSpace()
        guard i == bytes.count else { throw malformed("more follows the object") }
        return value
    }

    private mutating func value(depth: Int) throws(TokenizerError) -> RawJSON {
        guard depth < Self.depthLimit else { throw malformed("values are nested too deep") }
        values += 1
        guard values <= Self.valueLimit else { throw malformed("there are more than \(Self.valueLimit) values") }
        skipSpace()
        guard i < bytes.count else { throw malformed("a value is missing") }
        switch bytes[i] {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"):
            i += 1
            var entries: [[UInt8]: RawJSON] = [:]
            if skip("}") { return .object(entries) }
            repeat {
                let key = try string()
                try expect(":")
                guard entries.updateValue(try value(depth: depth + 1), forKey: key) == nil else {
                    throw malformed("a key is there twice")
                }
            } while skip(",")
            try expect("}")
            return .object(entries)
        case UInt8(ascii: "["):
            i += 1
            var items: [RawJSON] = []
            if skip("]") { return .array(items) }
            repeat { items.append(try value(depth: depth + 1)) } while skip(",")
            try expect("]")
            return .array(items)
        default: return try word()
        }
    }

    /// The greatest accepted length of a JSON number in bytes.
    private static let longestWord = 64

    /// Parses one of the JSON values true, false, null or a number.
    private mutating func word() throws(TokenizerError) -> RawJSON {
        let start = i
        while i < bytes.count, i - start <= Self.longestWord, !" \t\r\n,]}:".utf8.contains(bytes[i]) { i += 1 }
        let word = bytes[start..<i]
        if word.elementsEqual("true".utf8) { return .flag(true) }
        if word.elementsEqual("false".utf8) { return .flag(false) }
        if word.elementsEqual("null".utf8) { return .null }
        let isNumber = word.allSatisfy { (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }
        guard !word.isEmpty, word.count <= Self.longestWord, isNumber else {
            throw malformed("a value is neither a number nor true, false or null")
        }
        return .number(Array(word))
    }
}
