/// Rules for names that are parts of message topics, file paths, HTTP paths and log lines.
package enum Identifier {
    /// Returns true for a name of a stream, query or client: 1 to 64 ASCII letters, digits, hyphens and underscores.
    ///
    /// Dots are not allowed, because they separate the parts of a message topic.
    package static func isName(_ text: some StringProtocol) -> Bool {
        isShort(text) && text.utf8.allSatisfy(isNamed)
    }

    /// Returns true for the id of an event: 1 to 64 ASCII letters and digits.
    package static func isEvent(_ text: some StringProtocol) -> Bool {
        isShort(text) && text.utf8.allSatisfy(isLetterOrDigit)
    }

    /// Returns true for the name of a head (a model that scores the frames of a window against a query).
    ///
    /// The name is a lower-case ASCII letter, then such letters, digits and hyphens.
    package static func isHead(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, isSmallLetter(first) else { return false }
        return text.utf8.allSatisfy { isSmallLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// Returns true for a byte that may be part of a name: an ASCII letter, a digit, a hyphen or an underscore.
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
