import Configuration
package import Matching
import WireFormat

/// A standing query as it is answered: every setting, also those that were left to defaults; of pictures only what they
/// are.
///
/// Its keys are those of a configuration.
package struct QueryDescription: Codable, Sendable {
    package struct Picture: Codable, Sendable {
        package let name: String
        package let kind: String
        package let bytes: Int
    }

    package let id: String
    package let text: String
    package let phrasings: [String]
    package let images: [Picture]
    package let prompts: [String]
    package let tags: [String]
    package let metadata: [String: String]
    package let head: String
    package let frames: Int
    package let threshold: Double?
    package let against: [String]?
    package let probability: Double?
    package let falseAlertsPerDay: Double?
    package let hysteresis: Double
    package let minimumDuration: Double
    package let confirm: Confirmation
    package let cooldown: Double
    package let update: UpdatePolicy
    package let streams: [String]
    package let active: [ActivePart]
    package let group: String?
    package let priority: Int
    package let expires: Moment?
    package let enabled: Bool
    package let snapshot: Bool
    /// Its origin; nil where that is not known.
    package let source: ConfigurationSource?

    private enum CodingKeys: String, CodingKey {
        case id, text, phrasings, images, prompts, tags, metadata, head, frames, threshold, against, probability
        case falseAlertsPerDay = "false_alerts_per_day"
        case hysteresis
        case minimumDuration = "minimum_duration"
        case confirm, cooldown, update, streams, active, group, priority, expires, enabled, snapshot, source
    }

    package init(_ query: StandingQuery, source: ConfigurationSource? = nil) {
        let (settings, policy) = (query.settings, query.settings.policy)
        let written = QueryConfiguration(query, pictures: false)
        id = query.id
        text = query.text
        phrasings = query.phrasings
        images = query.images.map { .init(name: $0.name, kind: $0.kind ?? "", bytes: $0.encoded.count) }
        prompts = settings.prompts
        tags = settings.tags
        metadata = settings.metadata
        head = query.head
        frames = query.frames
        threshold = written.threshold
        against = written.against
        probability = written.probability
        falseAlertsPerDay = written.falseAlertsPerDay
        hysteresis = written.hysteresis ?? 0
        minimumDuration = policy.minimumDuration
        confirm = Confirmation(need: policy.needed, of: policy.windows)
        cooldown = policy.cooldown
        update = UpdatePolicy(step: Double("\(policy.updateStep)"), interval: policy.updateInterval)
        streams = settings.selector.patterns
        active = settings.activeHours.rules.map(ActivePart.init)
        group = settings.group
        priority = settings.priority
        expires = written.expires
        enabled = settings.enabled
        snapshot = settings.snapshot
        self.source = source
    }

    /// The rule in a few words, for a table: "0.25", "p 0.5 of 3", "1 a day".
    package var ruleInWords: String {
        if let probability { return "p \(probability) of \((against?.count ?? 0) + 1)" }
        if let falseAlertsPerDay { return "\(falseAlertsPerDay) a day" }
        return threshold.map { "\($0)" } ?? ""
    }
}
