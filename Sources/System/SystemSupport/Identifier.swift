/// Rules of the names that are keys: in topics, in paths of files and of HTTP, in logs.
package enum Identifier {
    /// Names of streams, queries and clients: 1 to 64 ASCII letters, digits, hyphens and underscores.
    ///
    /// No dots, which part a topic.
    package static func isName(_ text: some StringProtocol) -> Bool {
        isShort(text) && text.utf8.allSatisfy(isNamed)
    }

    /// Ids of events: 1 to 64 ASCII letters and digits.
    package static func isEvent(_ text: some StringProtocol) -> Bool {
        isShort(text) && text.utf8.allSatisfy(isLetterOrDigit)
    }

    /// Names of heads: a small ASCII letter, then small letters, digits and hyphens.
    package static func isHead(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, isSmallLetter(first) else { return false }
        return text.utf8.allSatisfy { isSmallLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// Whether a byte may be in a name.
    package static func isNamed(_ byte: UInt8) -> Bool {
        isLetterOrDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }

    private static func isShort(_ text: some StringProtocol) -> Bool { (1...64).contains(text.utf8.count) }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isSmallLetter(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || isDigit(byte)
    }

    private static func isSmallLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
