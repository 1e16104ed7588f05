import CVocabulary

/// HTML's character references, as Python's `html.unescape` and ftfy resolve them.
enum HTMLEntities {
    /// Name (with `;` where it needs one) to text.
    private static let named: [String: String] = {
        var size = 0
        let bytes = watchword_html_entities(&size)
        let text = String(decoding: UnsafeRawBufferPointer(start: bytes, count: size), as: UTF8.self)
        var named: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            let scalars = parts.dropFirst().compactMap { UInt32($0, radix: 16).flatMap(Unicode.Scalar.init) }
            named[String(parts[0])] = String(String.UnicodeScalarView(scalars))
        }
        return named
    }()

    /// Python's `html.unescape`: `;` may be missing, and the longest known beginning of a name counts.
    static func unescape(_ text: String) -> String {
        replaceReferences(text) { scalars, start in
            if scalars[start] == "#" { return number(scalars, start, needsSemicolon: false) }
            var end = start
            while end < scalars.count, end - start < 32, !"\t\n\u{0C} <&#;".unicodeScalars.contains(scalars[end]) {
                end += 1
            }
            if end < scalars.count, scalars[end] == ";", end > start { end += 1 }
            var length = end - start
            while length > 1 {
                let name = String(String.UnicodeScalarView(scalars[start..<start + length]))
                if let found = named[name] { return (found, start + length) }
                length -= 1
            }
            return nil
        }
    }

    /// ftfy's: only references that end with `;`, and names in capitals too.
    static func unescapeStrictly(_ text: String) -> String {
        replaceReferences(text) { scalars, start in
            let isNumber = scalars[start] == "#"
            var end = isNumber ? start + 1 : start
            while end < scalars.count, end - start <= 24, scalars[end].isASCII,
                scalars[end].properties.isAlphabetic || scalars[end].properties.numericType != nil
            { end += 1 }
            guard end < scalars.count, scalars[end] == ";", end > start else { return nil }
            if isNumber { return number(scalars, start, needsSemicolon: true) }
            let name = String(String.UnicodeScalarView(scalars[start...end]))
            if let found = named[name] { return (found, end + 1) }
            // &EACUTE; is what somebody shouted: the lower-case name's character in capitals.
            let lower = name.lowercased()
            guard name == name.uppercased(), let found = named[lower], unescape("&" + name) == "&" + name else {
                return nil
            }
            return (found.uppercased(), end + 1)
        }
    }

    private static func replaceReferences(
        _ text: String, _ resolve: (_ scalars: [Unicode.Scalar], _ start: Int) -> (text: String, end: Int)?
    ) -> String {
        let scalars = Array(text.unicodeScalars)
        guard scalars.contains("&") else { return text }
        var out = String.UnicodeScalarView()
        var i = 0
        while i < scalars.count {
            if scalars[i] == "&", i + 1 < scalars.count, let (found, end) = resolve(scalars, i + 1) {
                out.append(contentsOf: found.unicodeScalars)
                i = end
            } else {
                out.append(scalars[i])
                i += 1
            }
        }
        return String(out)
    }

    /// A numeric reference that begins with `#` at `start`.
    private static func number(
        _ scalars: [Unicode.Scalar], _ start: Int, needsSemicolon: Bool
    ) -> (text: String, end: Int)? {
        var at = start + 1
        let hexadecimal = at < scalars.count && (scalars[at] == "x" || scalars[at] == "X")
        if hexadecimal { at += 1 }
        let first = at
        var value: UInt32 = 0
        while at < scalars.count, scalars[at].isASCII,
            let digit = Character(scalars[at]).hexDigitValue, hexadecimal || digit < 10
        {
            value = value > 0x110000 ? value : value * (hexadecimal ? 16 : 10) + UInt32(digit)
            at += 1
        }
        guard at > first else { return nil }
        if at < scalars.count, scalars[at] == ";" {
            at += 1
        } else if needsSemicolon {
            return nil
        }
        if let replaced = invalid[value] { return (replaced, at) }
        if (0xD800...0xDFFF).contains(value) || value > 0x10FFFF { return ("\u{FFFD}", at) }
        if isInvalid(value) { return ("", at) }
        return (Unicode.Scalar(value).map { String(Character($0)) } ?? "", at)
    }

    /// The HTML standard's replacements of numbers that are no characters: Windows-1252 where it has one.
    private static let invalid: [UInt32: String] = {
        var table: [UInt32: String] = [0: "\u{FFFD}", 0x0D: "\r"]
        let text = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8D}Ž\u{8F}\u{90}‘’“”•–—˜™š›œ\u{9D}žŸ"
        for (index, scalar) in text.unicodeScalars.enumerated() {
            table[0x80 + UInt32(index)] = String(Character(scalar))
        }
        return table
    }()

    private static func isInvalid(_ value: UInt32) -> Bool {
        switch value {
        case 0x1...0x8, 0xB, 0xE...0x1F, 0x7F...0x9F, 0xFDD0...0xFDEF: true
        default: value & 0xFFFE == 0xFFFE
        }
    }
}
