/// Reads again what was UTF-8 and has been read as Windows-1252: `cafÃ©`, `donâ€™t`.
///
/// Source: ftfy `fix_encoding`, reduced to this commonest mistake and to its surest signs. ftfy also knows nine other
/// encodings, lost bytes and no-break spaces turned to spaces; text damaged in those ways stays as it is here.
enum EncodingRepair {
    /// The line, repaired until nothing in it looks damaged.
    static func repair(_ line: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var line = line
        while let repaired = wholly(line) ?? partly(line) { line = repaired }
        return line
    }

    /// The line read again, if it looks damaged and is UTF-8 throughout.
    private static func wholly(_ line: [Unicode.Scalar]) -> [Unicode.Scalar]? {
        // C1 controls are in no genuine text.
        let isSuspect = line.contains { (0x80...0x9F).contains($0.value) } || sequence(in: line, from: 0) != nil
        return isSuspect ? decode(line[...]) : nil
    }

    /// The line with its damaged sequences read again, if it has any beside genuine text.
    private static func partly(_ line: [Unicode.Scalar]) -> [Unicode.Scalar]? {
        var out: [Unicode.Scalar] = []
        var done = 0
        while let (range, character) = sequence(in: line, from: done) {
            out += line[done..<range.lowerBound] + character
            done = range.upperBound
        }
        return done == 0 ? nil : out + line[done...]
    }

    /// The next sequence that starts with Â, Ã (Latin letters in UTF-8) or â (punctuation) and reads as one character.
    ///
    /// Other capitals do stand before quotes and signs in genuine text: `CAFÉ®`, `«VOILÀ»`.
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

    /// The scalars as Windows-1252 bytes read as UTF-8, if they are both and not plain ASCII.
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

/// Bytes 80 to 9F as Windows reads them; the five it leaves open keep their value.
enum Windows1252 {
    private static let upperControls: [UInt32] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,
        0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
        0x0153, 0x9D, 0x017E, 0x0178,
    ]

    /// The scalar for a value in 80...9F.
    static func scalar(for value: UInt32) -> Unicode.Scalar {
        Unicode.Scalar(upperControls[Int(value - 0x80)]) ?? "\u{FFFD}"
    }

    /// The byte of a scalar; C1 controls are their own, as in Latin-1.
    static func byte(for scalar: Unicode.Scalar) -> UInt8? {
        if let byte = UInt8(exactly: scalar.value) { return byte }
        return upperControls.firstIndex(of: scalar.value).map { UInt8(0x80 + $0) }
    }
}
