/// A sentence that all selected streams are watched for.
package struct StandingQuery: Sendable, Equatable {
    package let id: String
    package let text: String
    /// Other ways to say the text; all together make one text embedding.
    package let phrasings: [String]
    /// Prompt templates, `{}` standing for the text: "a photo of {}". None is the text as it is.
    package let prompts: [String]
    package let tags: [String]
    package let head: String
    /// Window length in sampled frames.
    package let frames: Int
    /// A score at or above it starts an event: a cosine for pooling heads, a logit for `tight`.
    package let threshold: Float
    /// How far the score must fall below the threshold to end an event.
    package let hysteresis: Float
    package let selector: StreamSelector
    package let enabled: Bool

    /// Default hysteresis of cosines.
    package static let cosineHysteresis: Float = 0.02
    /// Default hysteresis of logits.
    package static let logitHysteresis: Float = 0.5
    /// Longest text in characters; CLIP itself reads its first 77 tokens.
    package static let longestText = 4096
    /// Most sentences that are embedded for one query.
    package static let mostSentences = 256

    /// Every phrasing in every prompt: what is embedded, and averaged.
    package var sentences: [String] {
        ([text] + phrasings).flatMap { text in
            prompts.isEmpty ? [text] : prompts.map { $0.replacing("{}", with: text) }
        }
    }

    package init(
        id: String, text: String, phrasings: [String] = [], prompts: [String] = [], tags: [String] = [], head: String,
        frames: Int, threshold: Float,
        hysteresis: Float = cosineHysteresis, streams: [String] = ["*"], enabled: Bool = true
    ) throws(QueryError) {
        guard Name.isValid(id) else {
            throw QueryError(id, "the id must be 1 to 64 letters, digits, hyphens or underscores")
        }
        for text in [text] + phrasings {
            guard text.contains(where: { !$0.isWhitespace }) else {
                throw QueryError(id, "the text is empty; describe the event in words")
            }
            guard text.count <= Self.longestText else {
                throw QueryError(
                    id, "the text has \(text.count) characters, at most \(Self.longestText) are taken; shorten it")
            }
        }
        for prompt in prompts where prompt.ranges(of: "{}").count != 1 {
            throw QueryError(id, "the prompt \"\(prompt.prefix(64))\" must hold {} once, where the text goes")
        }
        guard (1 + phrasings.count) * max(1, prompts.count) <= Self.mostSentences else {
            throw QueryError(id, "phrasings times prompts make more than \(Self.mostSentences) sentences")
        }
        guard (1...1024).contains(frames) else {
            throw QueryError(id, "frames is \(frames), expected 1 to 1024")
        }
        guard threshold.isFinite else { throw QueryError(id, "the threshold must be a finite number") }
        guard hysteresis.isFinite, hysteresis >= 0 else { throw QueryError(id, "the hysteresis must be 0 or more") }
        guard !streams.isEmpty else { throw QueryError(id, "streams is empty; \"*\" selects all") }
        self.id = id
        self.text = text
        self.phrasings = phrasings
        self.prompts = prompts
        self.tags = tags
        self.head = head
        self.frames = frames
        self.threshold = threshold
        self.hysteresis = hysteresis
        selector = StreamSelector(streams)
        self.enabled = enabled
    }
}

/// Names of streams and queries: no dots, which part a topic.
package enum Name {
    package static func isValid(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}

/// A standing query that was refused, and why.
package struct QueryError: Error, Equatable, CustomStringConvertible {
    package let id: String
    package let reason: String

    package init(_ id: String, _ reason: String) {
        self.id = id
        self.reason = reason
    }

    package var description: String { "query \"\(id.prefix(64))\": \(reason)" }
}

/// Which streams a query watches: names, with `*` for any run of characters and `?` for one.
package struct StreamSelector: Sendable, Equatable {
    package let patterns: [String]

    package init(_ patterns: [String]) { self.patterns = patterns }

    package func matches(_ name: String) -> Bool {
        let name = Array(name.utf8)
        return patterns.contains { $0 == "*" || Self.glob(Array($0.utf8), name) }
    }

    /// Greedy matching that goes back to the last star only: linear in practice, never exponential.
    private static func glob(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
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
