/// A JSON parser for tokenizer files, whose strings are bytes.
///
/// Foundation's parsers cannot be used: their keys are `String`s, which merge canonically equal tokens.
struct VocabularyJSON {
    let bytes: [UInt8]
    private let file: String
    var i = 0
    /// The number of JSON values parsed so far, to enforce a limit.
    var values = 0
    /// The expected content of the file, for error messages.
    var content = "a JSON object from token to id"

    /// Parses `vocab.json`: returns the id of each token, by the token's UTF-8.
    ///
    /// Throws on anything but an object from token to id, and on a token that occurs twice.
    static func parse(_ bytes: [UInt8], file: String) throws(TokenizerError) -> [[UInt8]: UInt32] {
        var reader = VocabularyJSON(bytes: bytes, file: file)
        return try reader.object()
    }

    init(bytes: [UInt8], file: String) {
        self.bytes = bytes
        self.file = file
    }

    private mutating func object() throws(TokenizerError) -> [[UInt8]: UInt32] {
        var ids: [[UInt8]: UInt32] = [:]
        try expect("{")
        if !skip("}") {
            repeat {
                let token = try string()
                try expect(":")
                guard ids.updateValue(try number(), forKey: token) == nil else {
                    throw malformed("the token before it is there twice")
                }
            } while skip(",")
            try expect("}")
        }
        skipSpace()
        guard i == bytes.count else { throw malformed("more follows the object") }
        return ids
    }

    mutating func string() throws(TokenizerError) -> [UInt8] {
        try expect("\"")
        var out: [UInt8] = []
        while i < bytes.count {
            let byte = bytes[i]
            i += 1
            switch byte {
            case UInt8(ascii: "\""): return out
            case UInt8(ascii: "\\"): out += try escape()
            case 0x20...: out.append(byte)
            default: throw malformed("a control character stands in a token")
            }
        }
        throw malformed("a token has no end")
    }

    /// Parses the rest of an escape sequence, after its backslash; returns the character in UTF-8.
    private mutating func escape() throws(TokenizerError) -> [UInt8] {
        guard i < bytes.count else { throw malformed("a token has no end") }
        let letter = bytes[i]
        i += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): break
        default: throw malformed("a token has an unknown escape")
        }
        var value = try fourDigits()
        if (0xD800...0xDBFF).contains(value), bytes[i...].starts(with: "\\u".utf8) {
            i += 2
            let low = try fourDigits()
            guard (0xDC00...0xDFFF).contains(low) else { throw malformed("a token has half a surrogate pair") }
            value = 0x1_0000 + (value - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw malformed("a token has half a surrogate pair") }
        return Array(String(scalar).utf8)
    }

    private mutating func fourDigits() throws(TokenizerError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard i < bytes.count, let digit = Character(Unicode.Scalar(bytes[i])).hexDigitValue else {
                throw malformed("a token has a \\u without four digits")
            }
            value = value << 4 | UInt32(digit)
            i += 1
        }
        return value
    }

    private mutating func number() throws(TokenizerError) -> UInt32 {
        skipSpace()
        let first = i
        var value: UInt32 = 0
        while i < bytes.count, (0x30...0x39).contains(bytes[i]), i - first < 9 {
            value = value * 10 + UInt32(bytes[i] - 0x30)
            i += 1
        }
        // A fraction, an exponent or a tenth digit fails later, where a comma is expected.
        guard i > first else { throw malformed("an id is not a natural number") }
        return value
    }

    mutating func skipSpace() {
        while i < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[i]) { i += 1 }
    }

    mutating func skip(_ mark: Unicode.Scalar) -> Bool {
        skipSpace()
        guard i < bytes.count, bytes[i] == UInt8(ascii: mark) else { return false }
        i += 1
        return true
    }

    mutating func expect(_ mark: Unicode.Scalar) throws(TokenizerError) {
        guard skip(mark) else { throw malformed("expected \(mark)") }
    }

    func malformed(_ what: String) -> TokenizerError {
        TokenizerError(file, "it is not \(content): at byte \(i), \(what)")
    }
}
