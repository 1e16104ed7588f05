import Foundation
// Foundation's NFC cuts scalars to 16 bits and uses older tables; the standard library's knows Unicode 17.
@_spi(_Unicode) import Swift

/// Cleans a text before it is split into words.
///
/// Source: CLIP `simple_tokenizer.basic_clean` and `whitespace_clean`, then Python's `str.lower`.
package enum TextCleaning {
    /// The kind of cleaning: one of OpenCLIP's `tokenizer_kwargs.clean`, or `family`, the model family's own cleaning.
    package enum Rule: String, Sendable, Equatable {
        case family, whitespace, lower, canonicalize
    }

    /// Cleans a text by OpenCLIP's rules (`tokenizer.py`, `get_clean_fn`); the rule `family` leaves it unchanged.
    static func clean(_ text: String, _ rule: Rule) -> String {
        guard rule != .family else { return text }
        let entities = HTMLEntities.shared
        let basic = collapsingSpace(entities.unescape(entities.unescape(repair(Array(text.unicodeScalars)))))
        switch rule {
        case .family, .whitespace: return String(basic)
        case .lower: return String(lowercased(basic))
        case .canonicalize: return String(canonical(basic.map { $0 == "_" ? " " : $0 }))
        }
    }

    /// Converts a text to SigLIP's canonical form: lower case, no ASCII punctuation, single spaces.
    ///
    /// Source: big_vision `pp/proj/image_text/utils.py`, `canonicalize_text`; transformers `SiglipTokenizer`.
    static func canonical(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        collapsingSpace(lowercased(text).filter { !($0.isASCII && $0.properties.isPunctuation) })
    }

    /// Cleans a text as CLIP does: repairs it, decodes HTML entities, collapses white space and lowercases.
    static func clean(_ text: String) -> [Unicode.Scalar] {
        let entities = HTMLEntities.shared
        let repaired = repair(Array(text.unicodeScalars))
        return lowercased(collapsingSpace(entities.unescape(entities.unescape(repaired))))
    }

    /// Repairs a text as ftfy's `fix_text` does: HTML entities, wrong encodings, ligatures, quotes, control characters.
    ///
    /// Of ftfy's search for wrong encodings, only the most frequent one is repaired.
    static func repair(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        guard text.contains(where: { !$0.isPlain }) else { return text }
        var out: [Unicode.Scalar] = []
        out.reserveCapacity(text.count)
        var unescapes = true
        var start = 0
        while start < text.count {
            let end = text[start...].firstIndex(of: "\n").map { $0 + 1 } ?? text.count
            let line = Array(text[start..<end])
            // A line with a tag begins HTML: ftfy decodes no entities in it or in the lines after it.
            if line.contains("<") { unescapes = false }
            out += repairLine(line, unescapes: unescapes)
            start = end
        }
        return out
    }

    /// Applies ftfy's fixes to a line in order, repeatedly, until none changes anything.
    ///
    /// Source: ftfy `fix_and_explain`.
    private static func repairLine(_ line: [Unicode.Scalar], unescapes: Bool) -> [Unicode.Scalar] {
        var line = line
        while true {
            var fixed = unescapes ? HTMLEntities.shared.unescapeCautiously(line) : line
            fixed = replacingOddities(EncodingRepair.repair(fixed))
            fixed = removingTerminalEscapes(fixed)
            fixed.removeAll(where: \.isUnwantedControl)
            fixed = composed(fixed)
            if fixed == line { return line }
            line = fixed
        }
    }

    /// Replaces C1 controls, ligatures, full-width characters, curly quotes and line breaks, in ftfy's order.
    private static func replacingOddities(_ line: [Unicode.Scalar]) -> [Unicode.Scalar] {
        guard line.contains(where: { $0.value >= 0x80 || $0 == "\r" }) else { return line }
        var out: [Unicode.Scalar] = []
        out.reserveCapacity(line.count)
        for (i, original) in line.enumerated() {
            let isC1 = (0x80...0x9F).contains(original.value)
            let scalar = isC1 ? Windows1252.scalar(for: original.value) : original
            if let letters = ligatures[scalar] {
                out += letters.unicodeScalars
                continue
            }
            switch scalar.value {
            case 0x3000: out.append(" ")
            case 0xFF01...0xFFEF:
                out += String(scalar).precomposedStringWithCompatibilityMapping.unicodeScalars
            case 0x02BC, 0x2018...0x201B: out.append("'")
            case 0x201C...0x201F: out.append("\"")
            case 0x0D where i + 1 < line.count && line[i + 1] == "\n": break
            case 0x0D, 0x85, 0x2028, 0x2029: out.append("\n")
            default: out.append(scalar)
            }
        }
        return out
    }

    /// The letters that replace each ligature; the apostrophe in U+0149 is already straight.
    ///
    /// Source: ftfy `chardata.LIGATURES`.
    private static let ligatures: [Unicode.Scalar: String] = [
        "\u{132}": "IJ", "\u{133}": "ij", "\u{149}": "'n",
        "\u{1F1}": "DZ", "\u{1F2}": "Dz", "\u{1F3}": "dz",
        "\u{1C4}": "D\u{17D}", "\u{1C5}": "D\u{17E}", "\u{1C6}": "d\u{17E}",
        "\u{1C7}": "LJ", "\u{1C8}": "Lj", "\u{1C9}": "lj", "\u{1CA}": "NJ", "\u{1CB}": "Nj", "\u{1CC}": "nj",
        "\u{FB00}": "ff", "\u{FB01}": "fi", "\u{FB02}": "fl", "\u{FB03}": "ffi", "\u{FB04}": "ffl",
        "\u{FB05}": "\u{17F}t", "\u{FB06}": "st",
    ]

    /// Removes terminal escape sequences: ESC, `[`, digits of any script and semicolons, one ASCII letter.
    ///
    /// Source: ftfy `fixes.ANSI_RE`.
    private static func removingTerminalEscapes(_ line: [Unicode.Scalar]) -> [Unicode.Scalar] {
        guard line.contains("\u{1B}") else { return line }
        var out: [Unicode.Scalar] = []
        var i = 0
        while i < line.count {
            if line[i] == "\u{1B}", i + 1 < line.count, line[i + 1] == "[" {
                var end = i + 2
                while end < line.count, line[end] == ";" || line[end].properties.generalCategory == .decimalNumber {
                    end += 1
                }
                if end < line.count, line[end].isASCII, line[end].properties.isAlphabetic {
                    i = end + 1
                    continue
                }
            }
            out.append(line[i])
            i += 1
        }
        return out
    }

    /// Converts a line to Unicode normalisation form C, by the tables of Unicode 17.
    ///
    /// Python may use older tables (3.11: Unicode 14; 3.14: 16), which leave newer characters unchanged.
    private static func composed(_ line: [Unicode.Scalar]) -> [Unicode.Scalar] {
        // No character below the first combining mark composes or decomposes.
        guard line.contains(where: { $0.value >= 0x300 }) else { return line }
        return Array(String(line)._nfc)
    }

    /// Replaces each run of white space by one space, and removes white space at both ends.
    private static func collapsingSpace(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        // Python's white space includes four separators that Unicode's does not.
        Array(
            text.split { $0.properties.isWhitespace || (0x1C...0x1F).contains($0.value) }.joined(separator: [" "]))
    }

    /// Lowercases a text as Python's `str.lower` does: a sigma at the end of a word becomes ς.
    ///
    /// Swift's mapping ignores context. Source: CPython `unicodeobject.c`, `handle_capital_sigma`.
    static func lowercased(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var out: [Unicode.Scalar] = []
        out.reserveCapacity(text.count)
        for (i, scalar) in text.enumerated() {
            switch scalar {
            case "A"..."Z": out.append(Unicode.Scalar(UInt8(scalar.value) | 0x20))
            case _ where scalar.isASCII: out.append(scalar)
            case "\u{3A3}": out.append(endsWord(at: i, in: text) ? "\u{3C2}" : "\u{3C3}")
            default: out += scalar.properties.lowercaseMapping.unicodeScalars
            }
        }
        return out
    }

    /// Returns whether the capital sigma at index `i` ends a word.
    ///
    /// It does if, skipping case-ignorable scalars, a cased scalar precedes it and none follows.
    private static func endsWord(at i: Int, in text: [Unicode.Scalar]) -> Bool {
        func hasCase(_ scalar: Unicode.Scalar?) -> Bool { scalar?.properties.isCased ?? false }
        let before = text[..<i].last { !$0.properties.isCaseIgnorable }
        let after = text[(i + 1)...].first { !$0.properties.isCaseIgnorable }
        return hasCase(before) && !hasCase(after)
    }
}

extension String {
    init(_ scalars: some Sequence<Unicode.Scalar>) {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        self.init(view)
    }
}

extension Unicode.Scalar.Properties {
    /// True if the character is in Python's `string.punctuation`, which includes ASCII symbols.
    fileprivate var isPunctuation: Bool {
        switch generalCategory {
        case .openPunctuation, .closePunctuation, .connectorPunctuation, .dashPunctuation, .otherPunctuation,
            .mathSymbol, .currencySymbol, .modifierSymbol:
            true
        default: false
        }
    }
}

extension Unicode.Scalar {
    /// True if the scalar is printable ASCII other than the ampersand; no repair changes a text of such scalars.
    fileprivate var isPlain: Bool { (0x20...0x7E).contains(value) && self != "&" }

    /// True if ftfy removes the scalar as a control character.
    ///
    /// Source: ftfy `chardata._build_control_char_mapping`.
    fileprivate var isUnwantedControl: Bool {
        switch value {
        case 0x00...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x206A...0x206F, 0xFEFF, 0xFFF9...0xFFFC: true
        default: false
        }
    }
}
