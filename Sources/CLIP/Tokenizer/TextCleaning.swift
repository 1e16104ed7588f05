import Foundation

/// What CLIP does to a text before it is tokenized: the ftfy steps that matter, entities, white space, lower case.
///
/// Source: openai/CLIP `basic_clean` and `whitespace_clean`; ftfy 6's `fix_text` with the plain case of its
/// repair of wrongly decoded text (CLIP4CLIP section 8).
enum TextCleaning {
    static func clean(_ text: String) -> String {
        let fixed = fix(text)
        let unescaped = HTMLEntities.unescape(HTMLEntities.unescape(fixed))
        let words = unescaped.unicodeScalars.split(whereSeparator: isSpace).map { String(String.UnicodeScalarView($0)) }
        return lowercased(words.joined(separator: " "))
    }

    /// Steps are repeated until none changes anything, as ftfy does: an entity may hide a quote.
    private static func fix(_ text: String) -> String {
        var text = text
        for _ in 0..<8 {
            var next = text.unicodeScalars.contains("<") ? text : HTMLEntities.unescapeStrictly(text)
            next = repairEncoding(next)
            next = replaceCharacters(next)
            next = removeTerminalEscapes(next)
            next = String(String.UnicodeScalarView(next.unicodeScalars.filter { !isRemovedControl($0) }))
            next = next.precomposedStringWithCanonicalMapping
            if next.unicodeScalars.elementsEqual(text.unicodeScalars) { break }
            text = next
        }
        return text
    }

    /// Undoes UTF-8 that was read as Windows-1252: if all characters are of that set and its bytes are UTF-8, they were.
    ///
    /// ftfy also weighs mixtures of encodings; those are left as they are.
    private static func repairEncoding(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value > 0x7F }) else { return text }
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            if scalar.value < 0x100 {
                bytes.append(UInt8(scalar.value))
            } else if let place = windows1252.firstIndex(of: scalar) {
                bytes.append(UInt8(0x80 + place))
            } else {
                return text
            }
        }
        return String(validating: bytes, as: UTF8.self) ?? text
    }

    /// C1 controls, ligatures, widths, quotes and line breaks.
    private static func replaceCharacters(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        let scalars = Array(text.unicodeScalars)
        for (index, scalar) in scalars.enumerated() {
            switch scalar.value {
            case 0x2028, 0x2029: out.append("\n")
            case 0x0D:
                if index + 1 >= scalars.count || scalars[index + 1] != "\n" { out.append("\n") }
            case 0x80...0x9F: out.append(windows1252[Int(scalar.value - 0x80)])
            case 0x02BC, 0x2018...0x201B: out.append("'")
            case 0x201C...0x201F: out.append("\"")
            case 0x3000: out.append(" ")
            case 0xFF01...0xFFEF:
                out.append(
                    contentsOf: String(Character(scalar)).precomposedStringWithCompatibilityMapping.unicodeScalars)
            default:
                if let ligature = ligatures[scalar.value] {
                    out.append(contentsOf: ligature.unicodeScalars)
                } else {
                    out.append(scalar)
                }
            }
        }
        return String(out)
    }

    private static let windows1252: [Unicode.Scalar] = {
        let text = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8D}Ž\u{8F}\u{90}‘’“”•–—˜™š›œ\u{9D}žŸ"
        return Array(text.unicodeScalars)
    }()

    private static let ligatures: [UInt32: String] = [
        0x132: "IJ", 0x133: "ij", 0x149: "\u{2BC}n", 0x1C4: "DŽ", 0x1C5: "Dž", 0x1C6: "dž", 0x1C7: "LJ", 0x1C8: "Lj",
        0x1C9: "lj", 0x1CA: "NJ", 0x1CB: "Nj", 0x1CC: "nj", 0x1F1: "DZ", 0x1F2: "Dz", 0x1F3: "dz", 0xFB00: "ff",
        0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "\u{17F}t", 0xFB06: "st",
    ]

    /// ESC [ digits and semicolons, then a letter.
    private static func removeTerminalEscapes(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        guard scalars.contains("\u{1B}") else { return text }
        var out = String.UnicodeScalarView()
        var i = 0
        while i < scalars.count {
            if scalars[i] == "\u{1B}", i + 1 < scalars.count, scalars[i + 1] == "[" {
                var end = i + 2
                while end < scalars.count, scalars[end] == ";" || ("0"..."9").contains(scalars[end]) { end += 1 }
                if end < scalars.count, ("a"..."z").contains(scalars[end]) || ("A"..."Z").contains(scalars[end]) {
                    i = end + 1
                    continue
                }
            }
            out.append(scalars[i])
            i += 1
        }
        return String(out)
    }

    private static func isRemovedControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...8, 0x0B, 0x0E...0x1F, 0x7F, 0x206A...0x206F, 0xFEFF, 0xFFF9...0xFFFC: true
        default: false
        }
    }

    /// Python's `\s`: Unicode's white space and the four separators of ASCII.
    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
    }

    /// Python's `str.lower`: full mappings, and a sigma that ends a word becomes ς, which Swift's `lowercased` lacks.
    private static func lowercased(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        var out = String.UnicodeScalarView()
        for (index, scalar) in scalars.enumerated() {
            if scalar == "\u{3A3}" {
                let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
                let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
                let ends = before?.properties.isCased == true && after?.properties.isCased != true
                out.append(ends ? "\u{3C2}" : "\u{3C3}")
            } else {
                out.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        return String(out)
    }
}
