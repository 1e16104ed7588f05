import Foundation

/// Finds what is for nobody's eyes in URIs, launch lines, and sentences that quote them.
///
/// Works on bytes: what a person sees as one character may be a separator and a mark that is put on it.
enum Redaction {
    struct Find {
        /// What is replaced.
        let range: Range<Int>
        /// The secret itself, within it.
        let secret: Range<Int>
        let replacement: String
    }

    static func redacted(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let finds = finds(in: bytes)
        guard !finds.isEmpty else { return text }
        var shown: [UInt8] = []
        var next = 0
        for find in finds {
            shown += bytes[next..<find.range.lowerBound]
            shown += Array(find.replacement.utf8)
            next = find.range.upperBound
        }
        return String(decoding: shown + bytes[next...], as: UTF8.self)
    }

    /// The secrets, as they are written and as they are meant.
    static func secrets(in text: String) -> [String] {
        let bytes = Array(text.utf8)
        return finds(in: bytes).flatMap { find in
            let secret = String(decoding: bytes[find.secret], as: UTF8.self)
            return [secret, secret.removingPercentEncoding ?? secret]
        }
    }

    static func finds(in bytes: [UInt8]) -> [Find] {
        var finds: [Find] = []
        var at = 0
        while at < bytes.count {
            guard let find = credentials(bytes, at) ?? parameter(bytes, at) else {
                at += 1
                continue
            }
            finds.append(find)
            at = max(find.range.upperBound, at + 1)
        }
        return finds
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "<") || byte == UInt8(ascii: ">")
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// `user:password@` after `://` at `at`.
    private static func credentials(_ bytes: [UInt8], _ at: Int) -> Find? {
        guard bytes[at...].starts(with: Array("://".utf8)) else { return nil }
        let start = at + 3
        let end = bytes[start...].firstIndex(where: isSpace) ?? bytes.count
        let path = Set("/?#".utf8)
        let host = bytes[start..<end].prefix { !path.contains($0) }
        let colon = host.firstIndex(of: UInt8(ascii: ":"))
        // A password with a slash that is not encoded: then what seems to be a port is none.
        let isPort =
            host.first == UInt8(ascii: "[")
            || colon.map { host[($0 + 1)...].allSatisfy { (0x30...0x39).contains($0) } } ?? true
        if let sign = host.lastIndex(of: UInt8(ascii: "@"))
            ?? (isPort ? nil : bytes[start..<end].lastIndex(of: UInt8(ascii: "@")))
        {
            let user = bytes[start..<sign].firstIndex(of: UInt8(ascii: ":")).map { $0 + 1 } ?? start
            return Find(range: start..<(sign + 1), secret: user..<sign, replacement: "")
        }
        // Cut off before its `@`, as in a sentence that quotes only the beginning.
        guard !isPort, let colon else { return nil }
        return Find(range: start..<host.endIndex, secret: (colon + 1)..<host.endIndex, replacement: "…")
    }

    /// The value of a parameter whose name says that it is a secret, if one begins at `at`.
    private static func parameter(_ bytes: [UInt8], _ at: Int) -> Find? {
        guard isWord(bytes[at]), at == 0 || !isWord(bytes[at - 1]) else { return nil }
        let end = bytes[at...].firstIndex { !isWord($0) } ?? bytes.count
        guard end < bytes.count, bytes[end] == UInt8(ascii: "="),
            isSecret(String(decoding: bytes[at..<end], as: UTF8.self).lowercased())
        else { return nil }
        var value = end + 1
        guard value < bytes.count else { return nil }
        let quote = bytes[value]
        let isQuoted = quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'")
        if isQuoted { value += 1 }
        let stops = Set("&;#".utf8)
        let last =
            bytes[value...].firstIndex { isQuoted ? $0 == quote : isSpace($0) || stops.contains($0) } ?? bytes.count
        guard last > value else { return nil }
        return Find(range: value..<last, secret: value..<last, replacement: "…")
    }

    private static let names: Set<String> = [
        "token", "password", "passwd", "passphrase", "pass", "pas", "pwd", "pw", "auth", "authorization", "key",
        "secret", "signature", "sig", "credential", "credentials", "session", "sid",
    ]

    private static func isSecret(_ name: String) -> Bool {
        let last = name.split { "_-.".contains($0) }.last.map(String.init) ?? name
        return names.contains(last)
            || ["token", "password", "passwd", "pwd", "secret", "apikey", "accesskey", "signature", "loginpas"]
                .contains { last.hasSuffix($0) }
    }
}

/// The secrets of one source: no sentence about it has them, wherever it comes from.
struct SourceSecrets: Sendable {
    private let values: [[UInt8]]

    /// Shorter ones are no secrets, and stand in many words.
    private static let shortest = 3

    init(_ texts: [String], known: [String] = []) {
        let all = Set(texts.flatMap { Redaction.secrets(in: $0) } + known)
        // The longest first: one may be a part of another.
        values = all.map { Array($0.utf8) }.filter { $0.count >= Self.shortest }.sorted { $0.count > $1.count }
    }

    func hidden(in text: String) -> String {
        var bytes = Array(Redaction.redacted(text).utf8)
        for value in values { bytes = Self.replacing(value, in: bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func replacing(_ value: [UInt8], in bytes: [UInt8]) -> [UInt8] {
        var found: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if bytes[at...].starts(with: value) {
                found += Array("…".utf8)
                at += value.count
            } else {
                found.append(bytes[at])
                at += 1
            }
        }
        return found
    }
}
