/// Decodes the strings that a pickle stores as text, as Python does.
enum PickleText {
    typealias Fault = (String) -> DataSetError

    /// Decodes a string of the pickle instruction UNICODE: Latin-1, with escapes `\uXXXX` and `\UXXXXXXXX`.
    static func unicode(_ line: ArraySlice<UInt8>, _ fault: Fault) throws(DataSetError) -> String {
        var units: [UInt32] = []
        var at = line.startIndex
        while at < line.endIndex {
            // A backslash begins an escape only if the run of backslashes that ends with it has odd length.
            let slashes = line[at...].prefix { $0 == backslash }.count
            if slashes > 0 {
                let next = at + slashes
                let letter = next < line.endIndex ? line[next] : 0
                let length = letter == UInt8(ascii: "u") ? 4 : letter == UInt8(ascii: "U") ? 8 : 0
                guard length > 0, !slashes.isMultiple(of: 2) else {
                    units += repeatElement(UInt32(backslash), count: slashes)
                    at = next
                    continue
                }
                units += repeatElement(UInt32(backslash), count: slashes - 1)
                units.append(try digits(line[(next + 1)...], length, radix: 16, fault))
                at = next + 1 + length
            } else {
                units.append(UInt32(line[at]))
                at += 1
            }
        }
        return text(units)
    }

    /// Decodes a string of the pickle instruction STRING (Python 2): bytes in quotes, with Python's string escapes.
    static func literal(_ line: ArraySlice<UInt8>, _ fault: Fault) throws(DataSetError) -> String {
        guard line.count >= 2, let quote = line.first, quote == line.last, "'\"".utf8.contains(quote) else {
            throw fault("has a string without quotes")
        }
        let inner = line.dropFirst().dropLast()
        let simple: [UInt8: UInt8] = [
            UInt8(ascii: "n"): 0x0A, UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09, UInt8(ascii: "a"): 0x07,
            UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0C, UInt8(ascii: "v"): 0x0B, backslash: backslash,
            UInt8(ascii: "'"): UInt8(ascii: "'"), UInt8(ascii: "\""): UInt8(ascii: "\""),
        ]
        var out: [UInt8] = []
        var at = inner.startIndex
        while at < inner.endIndex {
            guard inner[at] == backslash else {
                out.append(inner[at])
                at += 1
                continue
            }
            at += 1
            guard at < inner.endIndex else { throw fault("has a string that ends within an escape") }
            let letter = inner[at]
            if let byte = simple[letter] {
                out.append(byte)
                at += 1
            } else if letter == UInt8(ascii: "x") {
                out.append(UInt8(truncatingIfNeeded: try digits(inner[(at + 1)...], 2, radix: 16, fault)))
                at += 3
            } else if (0x30...0x37).contains(letter) {
                let octal = inner[at...].prefix(3).prefix { (0x30...0x37).contains($0) }
                out.append(UInt8(truncatingIfNeeded: try digits(octal, octal.count, radix: 8, fault)))
                at += octal.count
            } else {
                out += [backslash, letter]
                at += 1
            }
        }
        // Python 2 stored a string's bytes in any encoding: UTF-8 is tried first, then Latin-1, which never fails.
        return String(validating: out, as: UTF8.self) ?? text(out.map(UInt32.init))
    }

    private static let backslash = UInt8(ascii: "\\")

    private static func digits(
        _ bytes: ArraySlice<UInt8>, _ count: Int, radix: Int, _ fault: Fault
    ) throws(DataSetError) -> UInt32 {
        let digits = String(decoding: bytes.prefix(count), as: UTF8.self)
        guard bytes.count >= count, digits.first?.isHexDigit ?? false, let value = UInt32(digits, radix: radix) else {
            throw fault("has a string with an escape that is cut short")
        }
        return value
    }

    /// Converts UTF-32 values to text; a pair of UTF-16 surrogates counts as one character.
    private static func text(_ units: [UInt32]) -> String {
        var text = String.UnicodeScalarView()
        var at = 0
        while at < units.count {
            var value = units[at]
            at += 1
            if (0xD800...0xDBFF).contains(value), at < units.count, (0xDC00...0xDFFF).contains(units[at]) {
                value = 0x1_0000 + (value - 0xD800) << 10 + (units[at] - 0xDC00)
                at += 1
            }
            text.append(Unicode.Scalar(value) ?? "\u{FFFD}")
        }
        return String(text)
    }
}
