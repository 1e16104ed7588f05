import Foundation
package import Matching
import Printing
package import WireFormat

/// A standing query as configurations, query files and `query.add` give it; missing keys get the model's defaults.
///
/// One reader serves YAML and JSON, and reports errors with file, line and key. Keys are written in the order of
/// `keys`.
package struct QueryConfiguration: Codable, Sendable, Equatable {
    package var id: String?
    /// Whether the id was made from the text; this is not a key.
    package var hasMadeID = false
    package var text = ""
    /// Other wordings of the text.
    package var phrasings: [String]?
    /// Example pictures: paths in files and commands, `data:` URIs in messages.
    package var images: [String]?
    /// Prompt templates; nil means the configuration's or the model's own.
    package var prompts: [String]?
    package var tags: [String]?
    package var metadata: [String: String]?
    package var head: String?
    package var frames: Int?
    /// The rule is one of three: `threshold`, `against` with a probability, or a budget of false alerts.
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
    package var clips: Bool?

    /// The text as a key's value; nil if it is empty.
    var givenText: String? {
        get { text.isEmpty ? nil : text }
        set { text = newValue ?? "" }
    }

    /// The names of all keys.
    package static let keys = QueryKey.all.map(\.name)

    package init(id: String? = nil, text: String, head: String? = nil, threshold: Double? = nil) {
        self.id = id
        self.text = text
        self.head = head
        self.threshold = threshold
    }

    /// Reads a JSON object from a message or the journal; the error names the query and the key.
    package init(from decoder: any Decoder) throws { try self.init(json: JSONValue(from: decoder)) }

    /// Reads a JSON object; the error names the query and the key.
    package init(json value: JSONValue) throws(QueryError) {
        do {
            self = try Self(value, path: "", line: nil)
        } catch {
            let name = (value["id"]?.string ?? value["text"]?.string ?? "").excerpt()
            throw QueryError(name, key: error.key, error.reason)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        try value.encode(json)
    }

    /// Reads a query: a text alone, or keys and values; paths of pictures begin at `folder`.
    ///
    /// Without a folder, pictures must be `data:` URIs, so that a message cannot make the daemon read a file.
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
        for key in QueryKey.all where values.has(key.name) { try key.read(values, into: &self, folder: folder) }
        if text.isEmpty, images ?? [] == [], !values.has("text") { text = try values.required("text") }
        try check(values)
    }

    /// Reports everything that can be wrong without a model, with its line.
    private func check<Node>(_ values: Mapping<Node>) throws(ConfigurationError) {
        let given = QueryKey.rules.filter(values.has)
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
