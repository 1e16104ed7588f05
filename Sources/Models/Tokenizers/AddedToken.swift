/// A token that was added to a vocabulary: it is cut out of a text before the text is cleaned and split.
///
/// Source: transformers `added_tokens.json`; tokenizers `added_vocabulary.rs`.
struct AddedToken: Sendable, Equatable {
    /// In UTF-8.
    let content: [UInt8]
    let id: UInt32
    /// Whether it stands for the lower-cased text, too.
    let ignoresCase: Bool

    enum Part: Equatable {
        case text(String)
        case token(UInt32)
    }

    private static func lower(_ bytes: [UInt8]) -> [UInt8] { bytes.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 } }

    /// The text around the tokens: the leftmost is cut out first, of those that begin together the longest.
    static func split(_ text: String, by tokens: [AddedToken]) -> [Part] {
        let bytes = Array(text.utf8)
        let lowered = lower(bytes)
        var longest: [UInt8: [(token: AddedToken, content: [UInt8])]] = [:]
        for token in tokens {
            let content = token.ignoresCase ? lower(token.content) : token.content
            guard let first = content.first else { continue }
            longest[first, default: []].append((token, content))
            // A capital in the text begins it, too.
            if token.ignoresCase, (0x61...0x7A).contains(first) {
                longest[first & 0xDF, default: []].append((token, content))
            }
        }
        for first in longest.keys { longest[first]?.sort { $0.content.count > $1.content.count } }
        var parts: [Part] = []
        var (start, at) = (0, 0)
        func flush(_ end: Int) {
            if end > start { parts.append(.text(String(decoding: bytes[start..<end], as: UTF8.self))) }
        }
        while at < bytes.count {
            let found = longest[bytes[at]]?.first { token, content in
                (token.ignoresCase ? lowered : bytes)[at...].starts(with: content)
            }
            guard let (token, content) = found else {
                at += 1
                continue
            }
            flush(at)
            parts.append(.token(token.id))
            at += content.count
            start = at
        }
        flush(bytes.count)
        return parts
    }
}
