/// Rules for names that are used as keys: in topics, file and HTTP paths, and logs.
package enum Identifier {
    /// Whether a text is a name of a stream, query or client: 1 to 64 ASCII letters, digits, hyphens and underscores.
    ///
    /// Dots are not allowed, because they separate the parts of a topic.
    package static func isName(_ text: some StringProtocol) -> Bool {
        isShort(text) && text.utf8.allSatisfy(isNamed)
    }

    /// Whether a text is an event's id: 1 to 64 ASCII letters and digits.
    package static func isEvent(_ text: some StringProtocol) -> Bool {
        isShort(text) && text.utf8.allSatisfy(isLetterOrDigit)
    }

    /// Whether a text is a head's name: a lower-case ASCII letter, then such letters, digits and hyphens.
    package static func isHead(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, isSmallLetter(first) else { return false }
        return text.utf8.allSatisfy { isSmallLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// Whether a byte may be part of a name.
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
