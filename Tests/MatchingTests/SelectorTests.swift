import Matching
import SystemSupport
import Testing

@Suite("Stream selectors")
struct SelectorTests {
    @Test(
        "names, globs, labels, regions and exclusions",
        arguments: [
            (["*"], "lobby yard"),
            (["lob?y"], "lobby"),
            (["gate-?", "lob*"], "lobby"),
            (["*/*"], "lobby/door lobby/desk yard/door"),
            (["*", "*/*"], "lobby yard lobby/door lobby/desk yard/door"),
            (["*/door"], "lobby/door yard/door"),
            (["lobby/*"], "lobby/door lobby/desk"),
            (["lobby/door"], "lobby/door"),
            (["label:outdoor"], "yard"),
            (["label:*"], "lobby yard"),
            (["label:out*/door"], "yard/door"),
            (["label:nobody"], ""),
            (["!lobby"], "yard"),
            (["*", "*/*", "!lobby"], "yard yard/door"),
            (["!*/door", "*/*", "*"], "lobby yard lobby/desk"),
            (["*", "!label:indoor"], "yard"),
            (["lobby", "!lobby"], ""),
        ])
    func cases(_ patterns: [String], _ wanted: String) throws {
        let lanes = ["lobby", "yard", "lobby/door", "lobby/desk", "yard/door"]
        let selector = try StreamSelector(patterns)
        let found = lanes.filter { selector.matches($0, labels: [$0.hasPrefix("yard") ? "outdoor" : "indoor"]) }
        #expect(found.joined(separator: " ") == wanted)
    }

    @Test(
        "what is no selector is refused",
        arguments: [[], [""], ["!"], ["label:"], ["a/b/c"], ["a/"], ["/a"], ["a.b"], ["!!a"], ["a", "ä"]])
    func refused(_ patterns: [String]) {
        #expect { try StreamSelector(patterns) } throws: { "\($0)".hasPrefix("streams") }
    }

    @Test("stars are as fast as they are few", arguments: [1, 50])
    func stars(_ count: Int) throws {
        let name = String(repeating: "a", count: 63)
        let pattern = String(repeating: "*a", count: min(count, 31)) + "b"
        #expect(try !StreamSelector([pattern]).matches(name))
        #expect(try StreamSelector([pattern]).matches(String(name.dropLast()) + "b"))
    }

    /// Whether a name matches a pattern, by the simplest algorithm.
    private func plain(_ pattern: Substring, _ name: Substring) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        if first == "*" {
            return plain(pattern.dropFirst(), name) || !name.isEmpty && plain(pattern, name.dropFirst())
        }
        guard let letter = name.first, first == "?" || first == letter else { return false }
        return plain(pattern.dropFirst(), name.dropFirst())
    }

    @Test("exclusions win, regions are apart, and globs are what they seem", arguments: 0..<200 as Range<UInt64>)
    func properties(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        func word(_ letters: String, _ longest: Int) -> String {
            String(
                (0..<Int.random(in: 1...longest, using: &random)).map { _ in
                    letters.randomElement(using: &random) ?? "a"
                })
        }
        let patterns = (0..<Int.random(in: 1...4, using: &random)).map { _ in
            (Bool.random(using: &random) ? "" : "!") + word("ab*?", 4)
                + (Bool.random(using: &random) ? "" : "/" + word("ab*?", 3))
        }
        let selector = try StreamSelector(patterns)
        for _ in 0..<50 {
            let stream = word("ab", 4)
            let region = Bool.random(using: &random) ? nil : word("ab", 3)
            let parts: [(excludes: Bool, stream: Substring, region: Substring?)] = patterns.map { pattern in
                let excludes = pattern.hasPrefix("!")
                let halves = pattern.drop { $0 == "!" }.split(separator: "/")
                return (excludes, halves[0], halves.count == 2 ? halves[1] : nil)
            }
            let excluded = parts.contains { part in
                part.excludes && plain(part.stream, stream[...])
                    && (part.region == nil || region.map { plain(part.region ?? "", $0[...]) } ?? false)
            }
            let included = parts.contains { part in
                guard !part.excludes, plain(part.stream, stream[...]), (part.region == nil) == (region == nil) else {
                    return false
                }
                return region == nil || plain(part.region ?? "", (region ?? "")[...])
            }
            let all = parts.allSatisfy(\.excludes) && region == nil
            let name = stream + (region.map { "/\($0)" } ?? "")
            #expect(selector.matches(name) == ((included || all) && !excluded), "\(patterns) \(name)")
        }
    }
}
