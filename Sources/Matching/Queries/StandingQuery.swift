import Printing
package import SystemSupport

/// A query that is compared with all windows of the selected streams: an event described by text, pictures, or both.
package struct StandingQuery: Sendable, Equatable {
    /// The default number of queries that a pairing head (which scores each text with a window) scores in a window.
    ///
    /// The mean head, which is faster, chooses these queries.
    package static let defaultRerank = 32

    package let id: String
    /// The description of the event; empty if only pictures describe it.
    package let text: String
    /// Other wordings of the query's text; the embeddings of all wordings are averaged.
    package let phrasings: [String]
    /// Example pictures, used alone or averaged with the text.
    package let images: [QueryImage]
    package let head: String
    /// The window length: the number of sampled frames that are scored together.
    package let frames: Int
    package let rule: ThresholdRule
    package private(set) var settings: Settings

    /// A query's optional settings: all but its description, threshold rule and scoring model.
    package struct Settings: Sendable, Equatable {
        /// Prompt templates with `{}` in place of the text, such as "a photo of {}"; empty means the text alone.
        package var prompts: [String] = []
        /// Labels for subscribers, repeated in every message about the query.
        package var tags: [String] = []
        /// Arbitrary data of the query's owner; it has no effect.
        package var metadata: [String: String] = [:]
        package var selector = StreamSelector.all
        package var activeHours = ActiveHours.always
        package var policy = EventPolicy()
        /// The name of the query's group; on each stream or region, the queries of a group share one event.
        package var group: String?
        /// The query's priority within its group: the highest one gives the group's event its name.
        package var priority = 0
        /// The time, in seconds since 1970, from which on the query is inactive; nil means never.
        package var expires: Double?
        package var enabled = true
        /// True if events store the picture of their best frame.
        package var snapshot = true
        /// True if events store a video clip of their stream.
        package var clips = true

        package init() {}
    }

    /// The longest text in Unicode scalars; CLIP reads only its first 77 tokens.
    package static let longestText = 4096
    /// The greatest number of sentences (wordings times prompts) that are embedded for one query.
    package static let mostSentences = 256
    /// The valid priorities of a query within its group.
    package static let priorities = -1000...1000

    /// Every wording in every prompt; their embeddings are averaged.
    package var sentences: [String] { text.isEmpty ? [] : ([text] + phrasings).flatMap(sentences(of:)) }

    /// Returns a text in every prompt; also used for the texts that a query is contrasted with.
    package func sentences(of text: String) -> [String] {
        settings.prompts.isEmpty ? [text] : settings.prompts.map { $0.replacing("{}", with: text) }
    }

    /// Returns true if the query is active at a time (seconds since 1970): enabled, not expired, within its hours.
    package func isWatched(at time: Double) -> Bool {
        settings.enabled && !isExpired(at: time) && settings.activeHours.isActive(at: time)
    }

    package func isExpired(at time: Double) -> Bool { settings.expires.map { time >= $0 } ?? false }

    /// Returns the first time after `time` at which `isWatched` may change; nil if it never does.
    package func nextChange(after time: Double) -> Double? {
        guard settings.enabled, !isExpired(at: time) else { return nil }
        return [settings.expires, settings.activeHours.nextChange(after: time)].compactMap { $0 }.min()
    }

    /// Makes a query; throws an error with the invalid key for anything that can be checked without a model.
    package init(
        id: String, text: String, phrasings: [String] = [], images: [QueryImage] = [], head: String, frames: Int,
        rule: ThresholdRule, settings: Settings = Settings()
    ) throws(QueryError) {
        guard Name.isValid(id) else {
            throw QueryError(id, key: "id", Name.expected(found: id))
        }
        let problem =
            Self.problem(text, phrasings, images)
            ?? ((1...1024).contains(frames) ? nil : QueryPartError("frames", "expected 1 to 1024, found \(frames)"))
            ?? rule.problem ?? settings.problem
        if let problem { throw QueryError(id, problem) }
        guard (1 + phrasings.count) * max(1, settings.prompts.count) <= Self.mostSentences else {
            throw QueryError(
                id, key: "phrasings",
                "expected at most \(Self.mostSentences) sentences with every prompt, found "
                    + "\((1 + phrasings.count) * max(1, settings.prompts.count))")
        }
        self.id = id
        self.text = text
        self.phrasings = phrasings
        self.images = images
        self.head = head
        self.frames = frames
        self.rule = rule
        self.settings = settings
    }

    /// Returns the same query with another id or another threshold rule; throws if that is invalid.
    package func with(id: String? = nil, rule: ThresholdRule? = nil) throws(QueryError) -> StandingQuery {
        try StandingQuery(
            id: id ?? self.id, text: text, phrasings: phrasings, images: images, head: head, frames: frames,
            rule: rule ?? self.rule, settings: settings)
    }

    /// Returns the same query, limited to the streams whose names match `streams`.
    package func limited(to streams: NamePatterns) -> StandingQuery {
        var limited = self
        limited.settings.selector = settings.selector.limited(to: streams)
        return limited
    }

    private static func problem(_ text: String, _ phrasings: [String], _ images: [QueryImage]) -> QueryPartError? {
        if images.isEmpty || !text.isEmpty {
            if let problem = problem(ofText: text, "text") { return problem }
        } else if !phrasings.isEmpty {
            return QueryPartError("phrasings", "they are other ways to say the text, and there is no text")
        }
        for phrasing in phrasings { if let problem = problem(ofText: phrasing, "phrasings") { return problem } }
        return QueryImage.problem(of: images)
    }

    /// Returns the error of a text, such as an empty one, with the name of its key; nil if it is valid.
    package static func problem(ofText text: String, _ key: String) -> QueryPartError? {
        // Scalars are used, not characters: a million queries are checked at start, and one character may have
        // megabytes.
        guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else {
            return QueryPartError(
                key,
                key == "text"
                    ? "the text is empty; describe the event in words"
                    : "a text is empty; say something or leave it out")
        }
        let length = text.utf8.count <= longestText ? text.utf8.count : text.unicodeScalars.count
        guard length <= longestText else {
            return QueryPartError(key, "expected at most \(longestText) characters, found \(length); shorten the text")
        }
        return nil
    }
}

extension StandingQuery.Settings {
    /// The error of the first invalid setting; nil if all are valid.
    fileprivate var problem: QueryPartError? {
        for prompt in prompts {
            if let problem = StandingQuery.problem(ofText: prompt, "prompts") { return problem }
            guard prompt.ranges(of: "{}").count == 1 else {
                return QueryPartError("prompts", "\"\(prompt.excerpt())\" must hold {} once, where the text goes")
            }
        }
        guard tags.count <= 64 else { return QueryPartError("tags", "expected at most 64, found \(tags.count)") }
        for tag in tags where !(1...128).contains(tag.utf8.count) {
            return QueryPartError("tags", "expected 1 to 128 bytes, found \"\(tag.excerpt())\"")
        }
        guard metadata.count <= 64 else {
            return QueryPartError("metadata", "expected at most 64 keys, found \(metadata.count)")
        }
        for (key, value) in metadata where !(1...128).contains(key.utf8.count) || value.utf8.count > 4096 {
            return QueryPartError(
                "metadata", "\(key.excerpt()): expected a key of 1 to 128 bytes and a value of at most 4096")
        }
        if let group, !Name.isValid(group) {
            return QueryPartError("group", Name.expected(found: group))
        }
        guard StandingQuery.priorities.contains(priority) else {
            return QueryPartError("priority", "expected -1000 to 1000, found \(priority)")
        }
        if let expires, !expires.isFinite { return QueryPartError("expires", "expected a moment, found \(expires)") }
        return policy.problem
    }
}
