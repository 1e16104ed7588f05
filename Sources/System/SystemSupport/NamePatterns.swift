/// Patterns of names, as in `lobby*`: `*` stands for any run of characters, `?` for one, and a `!` in front excludes.
///
/// Exclusions win, whatever the order; patterns that only exclude let every other name through.
package struct NamePatterns: Sendable, Hashable {
    /// The patterns as they were given.
    package let patterns: [String]
    /// The patterns that let a name through, and those that keep one out, without the `!`.
    package let included: [String]
    package let excluded: [String]

    /// Most patterns of one list.
    private static let most = 64

    /// Why a list of patterns is refused, as a sentence.
    package struct Problem: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// Refuses an empty list, one that is too long, and a pattern that holds what no name can.
    package init(_ patterns: [String]) throws(Problem) {
        guard !patterns.isEmpty, patterns.count <= Self.most else {
            throw Problem(description: "expected 1 to \(Self.most) patterns, found \(patterns.count)")
        }
        var (included, excluded) = ([String](), [String]())
        for pattern in patterns {
            let excludes = pattern.hasPrefix("!")
            let text = excludes ? pattern.dropFirst() : pattern[...]
            guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed) else {
                throw Problem(
                    description: "\"\(pattern.utf8.count > 64 ? String(pattern.prefix(32)) + "..." : pattern)\" is no "
                        + "pattern; it takes names with * and ?, and ! to exclude")
            }
            if excludes { excluded.append(String(text)) } else { included.append(String(text)) }
        }
        self.patterns = patterns
        self.included = included.isEmpty ? ["*"] : included
        self.excluded = excluded
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        Identifier.isNamed(byte) || byte == UInt8(ascii: "*") || byte == UInt8(ascii: "?")
    }

    /// Whether the patterns let a name through.
    package func matches(_ name: some StringProtocol) -> Bool {
        let name = Array(name.utf8)
        return !excluded.contains { Self.glob(Array($0.utf8), name) }
            && included.contains { Self.glob(Array($0.utf8), name) }
    }

    /// Whether a name fits one pattern, byte for byte; `*` and `?` as in a list of patterns.
    ///
    /// Greedy matching that goes back to the last star only: linear in practice, never exponential.
    package static func glob(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        var (p, n) = (0, 0)
        var star: (pattern: Int, name: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = (p, n)
                p += 1
            } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == name[n] {
                p += 1
                n += 1
            } else if let back = star {
                p = back.pattern + 1
                n = back.name + 1
                star = (back.pattern, back.name + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
