import Printing
import SystemSupport

/// The streams and regions that a query watches, selected by patterns.
///
/// A pattern is a stream's name, or `label:` and a label, with `*` for any characters and `?` for one. It may end with
/// `/` and the name of a region. Without a region it selects only the whole picture: as in paths, `*` selects no
/// regions, and `*/*` selects all regions.
///
/// A pattern that begins with `!` excludes; without a region, it excludes the stream and all its regions. Exclusions
/// win in any order. A selector with only exclusions selects the whole pictures of all other streams.
package struct StreamSelector: Sendable, Hashable {
    package let patterns: [String]
    private let included: [Pattern]
    private let excluded: [Pattern]
    /// An additional limit: only streams that match it are selected; nil for no limit.
    private var limit: NamePatterns?

    /// The greatest number of patterns of one query, since each is compared with each stream and region.
    private static let mostPatterns = 64

    /// The selector of every stream's whole picture.
    package static let all = StreamSelector()

    private struct Pattern: Sendable, Hashable {
        let isLabel: Bool
        let stream: [UInt8]
        /// The region's pattern; nil means the whole picture, or for an exclusion the stream and all its regions.
        let region: [UInt8]?
    }

    private init() {
        patterns = ["*"]
        included = [Pattern(isLabel: false, stream: [UInt8(ascii: "*")], region: nil)]
        excluded = []
    }

    package init(_ patterns: [String]) throws(QueryPartError) {
        if patterns == ["*"] {
            self = .all
            return
        }
        guard patterns.count <= Self.mostPatterns else {
            throw QueryPartError(
                "streams", "expected at most \(Self.mostPatterns) patterns, found \(patterns.count)")
        }
        guard !patterns.isEmpty else { throw QueryPartError("streams", "it is empty; \"*\" selects all") }
        var included: [Pattern] = []
        var excluded: [Pattern] = []
        for pattern in patterns {
            let excludes = pattern.hasPrefix("!")
            let parsed = try Self.parse(excludes ? pattern.dropFirst() : pattern[...], of: pattern)
            if excludes { excluded.append(parsed) } else { included.append(parsed) }
        }
        self.patterns = patterns
        self.included = included.isEmpty ? Self.all.included : included
        self.excluded = excluded
    }

    private static func parse(_ text: Substring, of whole: String) throws(QueryPartError) -> Pattern {
        let isLabel = text.hasPrefix("label:")
        let parts = (isLabel ? text.dropFirst(6) : text).utf8.split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let allowed: (UInt8) -> Bool = { Identifier.isNamed($0) || $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && $0.count <= 64 && $0.allSatisfy(allowed) }) else {
            throw QueryPartError(
                "streams",
                "\"\(whole.excerpt())\" is no selector; it takes names with * and ?, label:NAME, NAME/REGION, "
                    + "and ! to exclude")
        }
        return Pattern(
            isLabel: isLabel, stream: Array(parts[0]), region: parts.count == 2 ? Array(parts[1]) : nil)
    }

    /// Returns true if a stream ("lobby") or region ("lobby/door") is selected; `labels` are the stream's.
    package func matches(_ name: String, labels: [String] = []) -> Bool {
        if let limit, !limit.matches(name.prefix { $0 != "/" }) { return false }
        if patterns == Self.all.patterns { return !name.utf8.contains(UInt8(ascii: "/")) }
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
        let stream = parts.first.map { Array($0) } ?? []
        let region = parts.count == 2 ? Array(parts[1]) : nil
        func covers(_ pattern: Pattern) -> Bool {
            pattern.isLabel
                ? labels.contains { NamePatterns.glob(pattern.stream, Array($0.utf8)) }
                : NamePatterns.glob(pattern.stream, stream)
        }
        let isExcluded = excluded.contains { pattern in
            guard let wanted = pattern.region else { return covers(pattern) }
            return region.map { NamePatterns.glob(wanted, $0) && covers(pattern) } ?? false
        }
        return !isExcluded
            && included.contains { pattern in
                switch (pattern.region, region) {
                case (nil, nil): covers(pattern)
                case (let wanted?, let region?): NamePatterns.glob(wanted, region) && covers(pattern)
                default: false
                }
            }
    }

    /// Returns the same selector, limited to the streams whose names match `streams`.
    func limited(to streams: NamePatterns) -> StreamSelector {
        var limited = self
        limited.limit = streams
        return limited
    }

    package static func == (a: StreamSelector, b: StreamSelector) -> Bool {
        a.patterns == b.patterns && a.limit == b.limit
    }
    package func hash(into hasher: inout Hasher) { hasher.combine(patterns) }
}
