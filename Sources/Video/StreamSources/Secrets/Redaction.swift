import Foundation

/// Finds secrets in URIs, in GStreamer launch lines, and in messages that quote them.
///
/// The scheme, host and port of a URI are shown, and of the rest only what is known to be harmless (`HarmlessParts`).
/// The search works on bytes, since one displayed character may be a separator with a combining mark.
enum Redaction {
    struct Find {
        /// The bytes of the text that are replaced.
        let range: Range<Int>
        /// The bytes of the text that are the secret itself, within `range`.
        let secret: Range<Int>
        let replacement: String
        /// True if the bytes are known to be a secret; false if they are only not known to be harmless.
        var isCertain = true
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

    /// The least length in bytes of a text that is treated as a secret although it is not known to be one.
    ///
    /// Shorter texts occur in ordinary sentences. Known secrets (`isCertain`) have no such limit.
    private static let shortestGuess = 5

    /// Returns the secrets in a text, each as written and percent-decoded.
    static func secrets(in text: String) -> [String] {
        let bytes = Array(text.utf8)
        return finds(in: bytes).filter { $0.isCertain || $0.secret.count >= shortestGuess }.flatMap { find in
            let secret = String(decoding: bytes[find.secret], as: UTF8.self)
            return [secret, secret.removingPercentEncoding ?? secret]
        }
    }

    /// Finds all secrets in a text, in order and without overlaps.
    static func finds(in bytes: [UInt8]) -> [Find] {
        var finds: [Find] = []
        var at = 0
        while at < bytes.count {
            let found = isMark(bytes, at) ? uri(bytes, at + 3) : nil
            if let found {
                finds += found.finds
                at = max(found.end, at + 3)
            } else if let find = parameter(bytes, at) {
                finds.append(find)
                at = max(find.range.upperBound, at + 1)
            } else {
                at += 1
            }
        }
        return finds
    }

    private static func isMark(_ bytes: [UInt8], _ at: Int) -> Bool {
        bytes[at] == UInt8(ascii: ":") && at + 2 < bytes.count && bytes[at + 1] == UInt8(ascii: "/")
            && bytes[at + 2] == UInt8(ascii: "/")
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "<") || byte == UInt8(ascii: ">")
    }

    static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// Returns the parts of a URI to hide, and the index of the URI's end; `start` is the index after `://`.
    private static func uri(_ bytes: [UInt8], _ start: Int) -> (finds: [Find], end: Int) {
        let before = bytes[..<(start - 3)].reversed().prefix { isWord($0) || $0 == UInt8(ascii: "+") }
        let scheme = String(decoding: before.reversed(), as: UTF8.self).lowercased()
        // The paths of files on this machine are no secrets, and an error message without its path does not help.
        let isLocal = HarmlessParts.localSchemes.contains(scheme)
        let most = isLocal ? min(start + 256, bytes.count) : bytes.count
        let end = bytes[start..<most].firstIndex(where: isSpace) ?? most
        var finds: [Find] = []
        var host = start
        if let found = credentials(bytes, start, end) {
            finds.append(found)
            // The text is cut off within the password: nothing is known about what follows.
            guard found.replacement.isEmpty else { return (finds, end) }
            host = found.range.upperBound
        }
        if isLocal { return (finds, host) }
        var last = end
        while last > host, ".,;:)'".utf8.contains(bytes[last - 1]) { last -= 1 }
        guard let rest = bytes[host..<last].firstIndex(where: { "/?#".utf8.contains($0) }) else { return (finds, end) }
        return (finds + HarmlessParts.hidden(bytes, rest..<last), end)
    }

    /// Returns the bytes of `user:password@` at the beginning of a URI's host part; nil if there are none.
    private static func credentials(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Find? {
        let path = Set("/?#".utf8)
        let host = bytes[start..<end].prefix { !path.contains($0) }
        let colon = host.firstIndex(of: UInt8(ascii: ":"))
        // If the text after the colon is no port, a slash in the password may not be encoded. A sentence may go on
        // after a port.
        let isPort =
            host.first == UInt8(ascii: "[")
            || colon.map { host[($0 + 1)...].allSatisfy { (0x30...0x39).contains($0) || ",.;:)".utf8.contains($0) } }
                ?? true
        if let sign = host.lastIndex(of: UInt8(ascii: "@"))
            ?? (isPort ? nil : bytes[start..<end].lastIndex(of: UInt8(ascii: "@")))
        {
            let user = bytes[start..<sign].firstIndex(of: UInt8(ascii: ":")).map { $0 + 1 } ?? start
            return Find(range: start..<(sign + 1), secret: user..<sign, replacement: "")
        }
        // The text is cut off before the `@`, as in an error message that quotes only a URI's beginning.
        guard !isPort, let colon else { return nil }
        return Find(range: start..<host.endIndex, secret: (colon + 1)..<host.endIndex, replacement: "…")
    }

    /// Returns the value of `name=value` at index `at`, outside a URI, if the name (such as `password`) marks a secret.
    private static func parameter(_ bytes: [UInt8], _ at: Int) -> Find? {
        guard isWord(bytes[at]), at == 0 || !isWord(bytes[at - 1]) else { return nil }
        let end = bytes[at...].firstIndex { !isWord($0) } ?? bytes.count
        guard end < bytes.count, bytes[end] == UInt8(ascii: "="), end - at <= 64,
            HarmlessParts.isSecretWord(String(decoding: bytes[at..<end], as: UTF8.self).lowercased())
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
}
