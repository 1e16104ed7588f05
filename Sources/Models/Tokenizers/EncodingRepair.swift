/// Repairs UTF-8 text that was decoded as Windows-1252, such as `cafÃ©` or `donâ€™t`.
///
/// Source: ftfy `fix_encoding`, reduced to this most frequent mistake and its surest signs. ftfy also repairs nine
/// other encodings, lost bytes, and no-break spaces that became spaces; such text is left unchanged here.
enum EncodingRepair {
    /// Repairs a line of text, repeatedly, until nothing in it looks damaged.
    static func repair(_ line: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var line = line
        while let repaired = wholly(line) ?? partly(line) { line = repaired }
        return line
    }

    /// Repairs a whole line; nil unless it looks damaged and all of it is UTF-8 that was decoded as Windows-1252.
    private static func wholly(_ line: [Unicode.Scalar]) -> [Unicode.Scalar]? {
        // Genuine text contains no C1 control characters.
        let isSuspect = line.contains { (0x80...0x9F).contains($0.value) } || sequence(in: line, from: 0) != nil
        return isSuspect ? decode(line[...]) : nil
    }

    /// Repairs only the damaged sequences of a line; returns nil if there are none.
    private static func partly(_ line: [Unicode.Scalar]) -> [Unicode.Scalar]? {
        var out: [Unicode.Scalar] = []
        var done = 0
        while let (range, character) = sequence(in: line, from: done) {
            out += line[done..<range.lowerBound] + character
            done = range.upperBound
        }
        return done == 0 ? nil : out + line[done...]
    }

    /// Finds the next damaged sequence in a line: Â or Ã (of Latin letters) or â (of punctuation), and what follows it.
    ///
    /// It must decode to one character. Other capital letters do occur before quotes and signs in genuine text, as in
    /// `CAFÉ®` and `«VOILÀ»`.
    private static func sequence(
        in line: [Unicode.Scalar], from start: Int
    ) -> (Range<Int>, character: [Unicode.Scalar])? {
        for i in line[start...].indices {
            let length: Int
            switch line[i].value {
            case 0xC2, 0xC3: length = 2
            case 0xE2: length = 3
            default: continue
            }
            guard i + length <= line.count, let character = decode(line[i..<(i + length)]) else { continue }
            return (i..<(i + length), character)
        }
        return nil
    }

    /// Encodes the scalars as Windows-1252 and decodes the bytes as UTF-8; nil if either fails or all are ASCII.
    private static func decode(_ scalars: ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar]? {
        var bytes: [UInt8] = []
        for scalar in scalars {
            guard let byte = Windows1252.byte(for: scalar) else { return nil }
            bytes.append(byte)
        }
        guard bytes.contains(where: { $0 >= 0x80 }), let text = String(validating: bytes, as: UTF8.self) else {
            return nil
        }
        return Array(text.unicodeScalars)
    }
}

/// The characters of Windows-1252 that differ from Latin-1: bytes 0x80 to 0x9F.
///
/// The five undefined bytes keep their value.
enum Windows1252 {
    private static let upperControls: [UInt32] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,
        0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
        0x0153, 0x9D, 0x017E, 0x0178,
    ]

    /// Returns the character of a Windows-1252 byte from 0x80 to 0x9F; other values trap.
    static func scalar(for value: UInt32) -> Unicode.Scalar {
        Unicode.Scalar(upperControls[Int(value - 0x80)]) ?? "\u{FFFD}"
    }

    /// Returns the Windows-1252 byte of a character; nil if it has none.
    ///
    /// C1 control characters map to themselves, as in Latin-1.
    static func byte(for scalar: Unicode.Scalar) -> UInt8? {
        if let byte = UInt8(exactly: scalar.value) { return byte }
        return upperControls.firstIndex(of: scalar.value).map { UInt8(0x80 + $0) }
    }
}
