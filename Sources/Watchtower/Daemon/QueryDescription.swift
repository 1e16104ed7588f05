import Matching

/// A standing query as it is answered.
package struct QueryDescription: Codable, Sendable {
    package let id: String
    package let text: String
    package let phrasings: [String]
    package let prompts: [String]
    package let tags: [String]
    package let head: String
    package let frames: Int
    package let threshold: Float?
    package let hysteresis: Float
    package let streams: [String]
    package let enabled: Bool

    init(_ query: StandingQuery) {
        id = query.id
        text = query.text
        phrasings = query.phrasings
        prompts = query.settings.prompts
        tags = query.settings.tags
        head = query.head
        frames = query.frames
        threshold = query.rule.fixedThreshold
        hysteresis = query.settings.policy.hysteresis
        streams = query.settings.selector.patterns
        enabled = query.settings.enabled
    }
}
