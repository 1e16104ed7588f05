/// A list of name patterns such as `lobby*`: `*` stands for any characters, `?` for one, and a leading `!` excludes.
///
/// A name that matches an excluding pattern is excluded, whatever the order. If all patterns exclude, every other name
/// matches.
package struct NamePatterns: Sendable, Hashable {
    /// All patterns as the caller gave them, with the `!` of the excluding ones.
    package let patterns: [String]
    /// The patterns that include names; `*` alone if the list has none.
    package let included: [String]
    package let excluded: [String]

    /// The greatest number of patterns in one list.
    private static let most = 64

    /// The error of an invalid list of patterns; its description is for people.
    package struct Problem: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// Parses a list of 1 to 64 patterns; throws if a pattern contains a character that no name can contain.
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

    /// Returns true if a pattern includes the name and none excludes it.
    package func matches(_ name: some StringProtocol) -> Bool {
        let name = Array(name.utf8)
        return !excluded.contains { Self.glob(Array($0.utf8), name) }
            && included.contains { Self.glob(Array($0.utf8), name) }
    }

    /// Returns true if a name matches one pattern, byte for byte; `*` and `?` are wildcards.
    ///
    /// The matching is greedy and goes back to the last star only, so it is linear in practice and never exponential.
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
