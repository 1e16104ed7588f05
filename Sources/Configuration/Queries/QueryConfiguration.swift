import Foundation
package import Matching
package import Printing
package import WireFormat

/// A standing query, as the configuration, files of queries and `query.add` give it; what is left out comes from the
/// model.
///
/// One reader serves YAML and JSON, and says what is wrong by file, line and key; keys are written as in `keys`.
package struct QueryConfiguration: Codable, Sendable, Equatable {
    package var id: String?
    /// Whether the id was made from the text; it is no key.
    package var hasMadeID = false
    package var text = ""
    /// Other ways to say it.
    package var phrasings: [String]?
    /// Example pictures: paths in files and commands, `data:` URIs once they are on their way.
    package var images: [String]?
    /// Prompt templates; the configuration's or the model's own, if nil.
    package var prompts: [String]?
    package var tags: [String]?
    package var metadata: [String: String]?
    package var head: String?
    package var frames: Int?
    /// The rule is one of three: a fixed score, contrasts with a probability, or a budget of false alerts.
    package var threshold: Double?
    package var against: [String]?
    package var probability: Double?
    package var falseAlertsPerDay: Double?
    package var hysteresis: Double?
    package var minimumDuration: Double?
    package var confirm: Confirmation?
    package var cooldown: Double?
    package var update: UpdatePolicy?
    package var streams: [String]?
    package var active: [ActivePart]?
    package var group: String?
    package var priority: Int?
    package var expires: Moment?
    package var enabled: Bool?
    package var snapshot: Bool?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case id, text, phrasings, images, prompts, tags, metadata, head, frames, threshold, against, probability
        case falseAlertsPerDay = "false_alerts_per_day"
        case hysteresis
        case minimumDuration = "minimum_duration"
        case confirm, cooldown, update, streams, active, group, priority, expires, enabled, snapshot
    }

    /// Every key there is.
    package static let keys = CodingKeys.allCases.map(\.rawValue)
    /// Keys of which a query has one; `probability` goes with `against`.
    static let ruleKeys = ["threshold", "against", "false_alerts_per_day"]

    package init(id: String? = nil, text: String, head: String? = nil, threshold: Double? = nil) {
        self.id = id
        self.text = text
        self.head = head
        self.threshold = threshold
    }

    /// Reads a JSON object of the wire or the journal; an error is a sentence that names the query and the key.
    package init(from decoder: any Decoder) throws { try self.init(json: JSONValue(from: decoder)) }

    /// Reads a JSON object; an error is a sentence that names the query and the key.
    package init(json value: JSONValue) throws(QueryError) {
        do {
            self = try Self(value, path: "", line: nil)
        } catch {
            let name = (value["id"]?.string ?? value["text"]?.string ?? "").excerpt()
            throw QueryError(name, key: error.key, error.reason)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encodeIfPresent(id, forKey: .id)
        if !text.isEmpty { try values.encode(text, forKey: .text) }
        try values.encodeIfPresent(phrasings, forKey: .phrasings)
        try values.encodeIfPresent(images, forKey: .images)
        try values.encodeIfPresent(prompts, forKey: .prompts)
        try values.encodeIfPresent(tags, forKey: .tags)
        try values.encodeIfPresent(metadata, forKey: .metadata)
        try values.encodeIfPresent(head, forKey: .head)
        try values.encodeIfPresent(frames, forKey: .frames)
        try values.encodeIfPresent(threshold, forKey: .threshold)
        try values.encodeIfPresent(against, forKey: .against)
        try values.encodeIfPresent(probability, forKey: .probability)
        try values.encodeIfPresent(falseAlertsPerDay, forKey: .falseAlertsPerDay)
        try values.encodeIfPresent(hysteresis, forKey: .hysteresis)
        try values.encodeIfPresent(minimumDuration, forKey: .minimumDuration)
        try values.encodeIfPresent(confirm, forKey: .confirm)
        try values.encodeIfPresent(cooldown, forKey: .cooldown)
        try values.encodeIfPresent(update, forKey: .update)
        try values.encodeIfPresent(streams, forKey: .streams)
        try values.encodeIfPresent(active, forKey: .active)
        try values.encodeIfPresent(group, forKey: .group)
        try values.encodeIfPresent(priority, forKey: .priority)
        try values.encodeIfPresent(expires, forKey: .expires)
        try values.encodeIfPresent(enabled, forKey: .enabled)
        try values.encodeIfPresent(snapshot, forKey: .snapshot)
    }

    /// Reads a query: a text alone, or keys and values; pictures' paths begin at `folder`.
    ///
    /// Without a folder pictures must be `data:` URIs: what comes over the wire may read no file of the daemon's.
    init<Node: ConfigurationNode>(
        _ node: Node, path: String, line: Int?, folder: URL? = nil
    ) throws(ConfigurationError) {
        if let text = node.text {
            if let problem = StandingQuery.problem(ofText: text, "text") {
                throw ConfigurationError(path: path, line: line, key: problem.key, reason: problem.reason)
            }
            self.text = text
            return
        }
        let values = try Mapping(node, path: path, line: line, what: "a query", keys: Self.keys)
        id = try values.string("id")
        text = try values.string("text") ?? ""
        phrasings = try values.strings("phrasings")
        if let wanted = try values.strings("images") {
            var pictures: [String] = []
            for picture in wanted { pictures.append(try Self.picture(picture, values, folder)) }
            images = pictures
        }
        if text.isEmpty, images ?? [] == [], !values.has("text") { text = try values.required("text") }
        prompts = try values.strings("prompts")
        tags = try values.strings("tags")
        metadata = try values.texts("metadata")
        head = try values.string("head")
        frames = try values.integer("frames")
        threshold = try values.double("threshold")
        against = try values.strings("against")
        probability = try values.double("probability")
        falseAlertsPerDay = try values.double("false_alerts_per_day")
        hysteresis = try values.double("hysteresis")
        minimumDuration = try values.double("minimum_duration")
        confirm = try Confirmation(values)
        cooldown = try values.double("cooldown")
        if let update = try values.mapping("update", keys: ["step", "interval"]) {
            self.update = .init(step: try update.double("step"), interval: try update.double("interval"))
        }
        streams = try values.strings("streams")
        active = try ActivePart.list(values)
        group = try values.string("group")
        priority = try values.integer("priority")
        if let text = try values.string("expires") {
            guard let moment = Moment(text) else {
                throw values.failure(
                    "expires", "\"\(text.excerpt())\" is no moment; write it as in 2030-01-31T18:00:00Z or …+01:00")
            }
            expires = moment
        }
        enabled = try values.bool("enabled")
        snapshot = try values.bool("snapshot")
        try check(values)
    }

    private static func picture<Node>(
        _ given: String, _ values: Mapping<Node>, _ folder: URL?
    ) throws(ConfigurationError) -> String {
        do throws(QueryPartError) {
            if let folder, !given.hasPrefix("data:") {
                return PictureURI.encode(try PictureURI.read(given, from: folder))
            }
            _ = try PictureURI.decode(given)
            return given
        } catch {
            throw values.failure(error.key, error.reason)
        }
    }

    /// Everything that can be wrong without a model is said now, with its line.
    private func check<Node>(_ values: Mapping<Node>) throws(ConfigurationError) {
        let given = Self.ruleKeys.filter(values.has)
        guard given.count <= 1 else {
            throw values.failure(given[1], "a query has one rule, and there is \(given[0]) too; leave one of them out")
        }
        if probability != nil, against == nil {
            throw values.failure("probability", "it belongs to against, the list of what the query is compared with")
        }
        do throws(QueryError) {
            _ = try standing(
                id: id ?? "query", head: head ?? "mean", scores: .cosines, frames: frames ?? 1, rule: rule ?? .score(0),
                prompts: [])
        } catch {
            throw values.failure(error.key ?? "text", error.reason)
        }
    }
}
