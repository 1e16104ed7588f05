package import Foundation

/// Escapes characters that control a terminal or are invisible, in text that is to be printed.
///
/// Texts of queries, names of streams and error messages of servers come from others. Printed unchanged, they could
/// move the cursor, change the terminal's title, forge a line, or show another text than the stored one.
package enum ControlCharacters {
    /// Returns the text with dangerous characters escaped, as in `\n` or `\u{1B}`; those in `kept` are left unchanged.
    package static func escaped(_ text: String, keeping kept: Set<Unicode.Scalar> = []) -> String {
        guard !isPlain(text.utf8) else { return text }
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isUnsafe(scalar), !kept.contains(scalar) {
                shown.append(contentsOf: scalar.escaped(asASCII: true).unicodeScalars)
            } else {
                shown.append(scalar)
            }
        }
        return String(shown)
    }

    /// Returns JSON on one line, with dangerous characters in strings written as `\u001b`; its value is the same.
    ///
    /// Raw line ends and tabs, which JSON allows only between its tokens, become spaces.
    package static func escaped(json: Data) -> Data {
        guard !isPlain(json) else { return json }
        let text = String(decoding: json, as: UTF8.self)
        var shown = Data(capacity: json.count + 16)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n", "\r", "\t": shown.append(UInt8(ascii: " "))
            case _ where isUnsafe(scalar):
                for unit in UTF16.encode(scalar) ?? .init() {
                    shown += Data(("\\u" + String(0x10000 + UInt32(unit), radix: 16).dropFirst()).utf8)
                }
            default: shown += Data(String(scalar).utf8)
            }
        }
        return shown
    }

    /// Returns true if a character could end a line, control a terminal or reorder text, or is invisible.
    package static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value >= 0x7F else { return scalar.value < 0x20 }
        let properties = scalar.properties
        return switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        // The number signs of Arabic and other scripts are in the category "format", but they are visible.
        case .format: properties.isDefaultIgnorableCodePoint || !isNumberSign(scalar)
        default: properties.isDefaultIgnorableCodePoint && !properties.isVariationSelector
        }
    }

    private static func isNumberSign(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x600...0x605, 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD: true
        default: false
        }
    }

    private static func isPlain(_ bytes: some Sequence<UInt8>) -> Bool { bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F } }
}
