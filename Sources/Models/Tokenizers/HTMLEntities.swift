/// Decodes HTML character references, such as `&amp;`, as Python's `html.unescape` and ftfy do.
///
/// Names are compared as bytes, because Swift's `String` considers U+037E equal to the semicolon, and U+212A equal to
/// K.
struct HTMLEntities: Sendable {
    static let shared = HTMLEntities()

    /// Maps the names of HTML entities to characters; a name includes its semicolon unless HTML allows it without.
    ///
    /// Source: Python's `html.entities.html5`.
    private let named: [[UInt8]: [Unicode.Scalar]]
    /// Maps names in capitals that only ftfy knows, such as "EACUTE", to characters.
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
        // Only names that html.unescape would leave alone: &LT; is an HTML name itself, and &AMPX; begins with one.
        capitals = named.reduce(into: [:]) { result, entry in
            let name = entry.key
            guard name.last == 0x3B, !name.contains(where: { (0x41...0x5A).contains($0) }) else { return }
            let upper = name.map { (0x61...0x7A).contains($0) ? $0 - 0x20 : $0 }
            guard (2...upper.count).allSatisfy({ named[Array(upper[..<$0])] == nil }) else { return }
            result[upper] = entry.value.flatMap { Array($0.properties.uppercaseMapping.unicodeScalars) }
        }
    }

    /// Decodes every HTML character reference in a text, with or without a semicolon.
    ///
    /// Source: Python's `html.unescape`.
    func unescape(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        Self.replacing(in: text) { reference(in: text, at: $0) }
    }

    /// Decodes only the HTML character references in a text that have a semicolon and at most 24 letters or digits.
    ///
    /// Source: ftfy `fixes.unescape_html`.
    func unescapeCautiously(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        Self.replacing(in: text) { cautiousReference(in: text, at: $0) }
    }

    /// Replaces every HTML character reference for which `reference` returns characters.
    ///
    /// `reference` gets the index after an ampersand. It returns the characters and the index after the reference; nil
    /// leaves the ampersand unchanged.
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

    /// Decodes the character reference after an ampersand; returns its characters, and the index after it.
    ///
    /// Returns nil if the text there is no reference.
    private func reference(in text: [Unicode.Scalar], at start: Int) -> ([Unicode.Scalar], end: Int)? {
        guard start < text.count else { return nil }
        if text[start] == "#" { return numeric(in: text, at: start + 1) }
        // Python's pattern: [^\t\n\f <&#;]{1,32};?
        var end = start
        while end < text.count, end - start < 32, !"\t\n\u{C} <&#;".unicodeScalars.contains(text[end]) { end += 1 }
        guard end > start else { return nil }
        if end < text.count, text[end] == ";" { end += 1 }
        // Names are ASCII, so the search stops at the first scalar beyond ASCII.
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
            // ftfy keeps a result that still contains a semicolon, and so `&#59;` itself.
            guard let (found, after) = numeric(in: text, at: first), after == end, !found.contains(";") else {
                return nil
            }
            return (found, end)
        }
        let name = text[start..<end].map { UInt8($0.value) }
        return (named[name] ?? capitals[name]).map { ($0, end) }
    }

    /// Decodes a numeric reference after `&#`; returns its characters and the index after it, or nil without digits.
    private func numeric(in text: [Unicode.Scalar], at start: Int) -> ([Unicode.Scalar], end: Int)? {
        var digits = start
        let isHexadecimal = start < text.count && (text[start] == "x" || text[start] == "X")
        if isHexadecimal { digits += 1 }
        var (value, end): (UInt32, Int) = (0, digits)
        while end < text.count, let digit = text[end].hexadecimalValue, isHexadecimal || digit < 10 {
            value = min(value * (isHexadecimal ? 16 : 10) + digit, 0x11_0000)  // values beyond Unicode are equivalent
            end += 1
        }
        guard end > digits else { return nil }
        if end < text.count, text[end] == ";" { end += 1 }
        return (Self.character(value), end)
    }

    /// Returns the characters for the number of a numeric reference, with the replacements for invalid numbers.
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
