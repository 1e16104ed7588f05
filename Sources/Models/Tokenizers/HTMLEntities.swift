/// Decodes HTML character references as Python's `html.unescape` and ftfy do.
///
/// Names are compared as bytes: `String` considers U+037E equal to the semicolon, and U+212A equal to K.
struct HTMLEntities: Sendable {
    static let shared = HTMLEntities()

    /// Maps names, with the semicolon if they have one, to text.
    ///
    /// Source: Python's `html.entities.html5`.
    private let named: [[UInt8]: [Unicode.Scalar]]
    /// Maps names in capitals that only ftfy knows, such as "EACUTE".
    ///
    /// Source: ftfy `chardata._build_html_entities`.
    private let capitals: [[UInt8]: [Unicode.Scalar]]

    private init() {
        var named: [[UInt8]: [Unicode.Scalar]] = [:]
        for entry in Self.table.utf8.split(whereSeparator: { $0 == 0x20 || $0 == 0x0A }) {
            guard let mark = entry.firstIndex(where: { $0 == 0x3D || $0 == 0x3F }) else { continue }
            let name = Array(entry[..<mark])
            let text = entry[entry.index(after: mark)...].split(separator: 0x2B).compactMap { digits in
                UInt32(String(Substring(digits)), radix: 16).flatMap(Unicode.Scalar.init)
            }
            named[name + [0x3B]] = text
            if entry[mark] == 0x3F { named[name] = text }
        }
        self.named = named
        // Only where html.unescape would leave the capitals alone: &LT; is a name, and &AMPX; would start with one.
        capitals = named.reduce(into: [:]) { result, entry in
            let name = entry.key
            guard name.last == 0x3B, !name.contains(where: { (0x41...0x5A).contains($0) }) else { return }
            let upper = name.map { (0x61...0x7A).contains($0) ? $0 - 0x20 : $0 }
            guard (2...upper.count).allSatisfy({ named[Array(upper[..<$0])] == nil }) else { return }
            result[upper] = entry.value.flatMap { Array($0.properties.uppercaseMapping.unicodeScalars) }
        }
    }

    /// Decodes every reference, with or without a semicolon.
    ///
    /// Source: Python's `html.unescape`.
    func unescape(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        Self.replacing(in: text) { reference(in: text, at: $0) }
    }

    /// Decodes only unmistakable references: those of at most 24 letters that end with a semicolon.
    ///
    /// Source: ftfy `fixes.unescape_html`.
    func unescapeCautiously(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        Self.replacing(in: text) { cautiousReference(in: text, at: $0) }
    }

    /// Replaces each ampersand and the text after it by what `reference` reads there.
    private static func replacing(
        in text: [Unicode.Scalar], _ reference: (Int) -> ([Unicode.Scalar], end: Int)?
    ) -> [Unicode.Scalar] {
        guard text.contains("&") else { return text }
        var out: [Unicode.Scalar] = []
        out.reserveCapacity(text.count)
        var i = 0
        while i < text.count {
            if text[i] == "&", let (replacement, end) = reference(i + 1) {
                out += replacement
                i = end
            } else {
                out.append(text[i])
                i += 1
            }
        }
        return out
    }

    /// Reads the reference after an ampersand; returns its text, and where it ends.
    private func reference(in text: [Unicode.Scalar], at start: Int) -> ([Unicode.Scalar], end: Int)? {
        guard start < text.count else { return nil }
        if text[start] == "#" { return numeric(in: text, at: start + 1) }
        // Python's pattern: [^\t\n\f <&#;]{1,32};?
        var end = start
        while end < text.count, end - start < 32, !"\t\n\u{C} <&#;".unicodeScalars.contains(text[end]) { end += 1 }
        guard end > start else { return nil }
        if end < text.count, text[end] == ";" { end += 1 }
        // No name holds a scalar beyond ASCII, so the search stops at the first.
        let name = text[start..<end].prefix(while: \.isASCII).map { UInt8($0.value) }
        for length in stride(from: name.count, through: 2, by: -1) {
            if let found = named[Array(name[..<length])] { return (found, start + length) }
        }
        return nil
    }

    private func cautiousReference(in text: [Unicode.Scalar], at start: Int) -> ([Unicode.Scalar], end: Int)? {
        let first = start < text.count && text[start] == "#" ? start + 1 : start
        var end = first
        while end < text.count, end - first < 24, text[end].isASCIILetterOrDigit { end += 1 }
        guard end > first, end < text.count, text[end] == ";" else { return nil }
        end += 1
        if first > start {
            // ftfy keeps whatever still holds a semicolon after decoding, and so `&#59;` itself.
            guard let (found, after) = numeric(in: text, at: first), after == end, !found.contains(";") else {
                return nil
            }
            return (found, end)
        }
        let name = text[start..<end].map { UInt8($0.value) }
        return (named[name] ?? capitals[name]).map { ($0, end) }
    }

    /// Reads a numeric reference after `&#`, with the replacements that browsers make.
    private func numeric(in text: [Unicode.Scalar], at start: Int) -> ([Unicode.Scalar], end: Int)? {
        var digits = start
        let isHexadecimal = start < text.count && (text[start] == "x" || text[start] == "X")
        if isHexadecimal { digits += 1 }
        var (value, end): (UInt32, Int) = (0, digits)
        while end < text.count, let digit = text[end].hexadecimalValue, isHexadecimal || digit < 10 {
            value = min(value * (isHexadecimal ? 16 : 10) + digit, 0x11_0000)  // beyond Unicode is all the same
            end += 1
        }
        guard end > digits else { return nil }
        if end < text.count, text[end] == ";" { end += 1 }
        return (Self.character(value), end)
    }

    /// Returns the text of a numeric reference's value, with the replacements for invalid values.
    ///
    /// Source: Python's `html._invalid_charrefs` and `html._invalid_codepoints`.
    private static func character(_ value: UInt32) -> [Unicode.Scalar] {
        switch value {
        case 0: ["\u{FFFD}"]
        case 0x80...0x9F: [Windows1252.scalar(for: value)]
        case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0xFDD0...0xFDEF: []
        case 0...0x10_FFFF where value & 0xFFFE == 0xFFFE: []
        default: [Unicode.Scalar(value) ?? "\u{FFFD}"]
        }
    }
}

extension Unicode.Scalar {
    fileprivate var isASCIILetterOrDigit: Bool {
        switch value {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }

    fileprivate var hexadecimalValue: UInt32? {
        switch value {
        case 0x30...0x39: value - 0x30
        case 0x41...0x46: value - 0x41 + 10
        case 0x61...0x66: value - 0x61 + 10
        default: nil
        }
    }
}
