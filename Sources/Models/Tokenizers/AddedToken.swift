/// A token that was added to a vocabulary; it is cut out of a text before the rest is cleaned and split.
///
/// Source: transformers `added_tokens.json`; tokenizers `added_vocabulary.rs`.
struct AddedToken: Sendable, Equatable {
    /// The text that the token stands for, in UTF-8.
    let content: [UInt8]
    let id: UInt32
    /// True if upper and lower case are equal when a text is searched for the token.
    let ignoresCase: Bool
}

/// Finds added tokens (such as `<mask>`) in texts.
struct AddedTokens: Sendable {
    enum Part: Equatable {
        case text(String)
        case token(UInt32)
    }

    private struct Entry {
        let content: [UInt8]
        let id: UInt32
        let ignoresCase: Bool
    }

    /// The added tokens by their first byte, the longest first; the outer array has 256 entries, or none.
    private let entries: [[Entry]]
    private let ignoresCase: Bool

    var isEmpty: Bool { entries.isEmpty }

    /// Prepares the search for these tokens; tokens with an empty text are skipped.
    init(_ tokens: [AddedToken]) {
        ignoresCase = tokens.contains(where: \.ignoresCase)
        var found = [[Entry]](repeating: [], count: 256)
        for token in tokens {
            let content = token.ignoresCase ? Self.lower(token.content) : token.content
            guard let first = content.first else { continue }
            let entry = Entry(content: content, id: token.id, ignoresCase: token.ignoresCase)
            found[Int(first)].append(entry)
            // A capital in the text may be its first byte, too.
            if token.ignoresCase, (0x61...0x7A).contains(first) { found[Int(first & 0xDF)].append(entry) }
        }
        for first in found.indices { found[first].sort { $0.content.count > $1.content.count } }
        entries = found.contains { !$0.isEmpty } ? found : []
    }

    private static func lower(_ bytes: [UInt8]) -> [UInt8] { bytes.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 } }

    /// Splits a text at added tokens: from left to right, the longest token at each position.
    func split(_ text: String) -> [Part] {
        guard !isEmpty else { return text.isEmpty ? [] : [.text(text)] }
        let bytes = Array(text.utf8)
        let lowered = ignoresCase ? Self.lower(bytes) : bytes
        var parts: [Part] = []
        var (start, at) = (0, 0)
        func flush(_ end: Int) {
            if end > start { parts.append(.text(String(decoding: bytes[start..<end], as: UTF8.self))) }
        }
        while at < bytes.count {
            let found = entries[Int(bytes[at])].first { entry in
                (entry.ignoresCase ? lowered : bytes)[at...].starts(with: entry.content)
            }
            guard let found else {
                at += 1
                continue
            }
            flush(at)
            parts.append(.token(found.id))
            at += found.content.count
            start = at
        }
        flush(bytes.count)
        return parts
    }
}
