import Foundation
package import Matching
import Printing
package import WireFormat

/// A query as configuration files, query files and the request `query.add` give it; missing keys get the model's
/// defaults.
///
/// The same code reads YAML and JSON, and reports errors with file, line and key. Keys are written in the order of
/// `keys`.
package struct QueryConfiguration: Codable, Sendable, Equatable {
    package var id: String?
    /// True if the id was made from the text; this is not a key of the file.
    package var hasMadeID = false
    package var text = ""
    /// Other wordings of the query's text; the embeddings of all wordings are averaged.
    package var phrasings: [String]?
    /// Example pictures: paths in files and commands, `data:` URIs in messages.
    package var images: [String]?
    /// Prompt templates, such as "a photo of {}"; nil means the configuration's or the model's.
    package var prompts: [String]?
    package var tags: [String]?
    package var metadata: [String: String]?
    package var head: String?
    package var frames: Int?
    /// The score that a window must reach; nil if another rule decides.
    ///
    /// A query has at most one rule: this, `against` with a probability, or a number of false alerts per day.
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

    /// The text as an optional value: nil if it is empty.
    var givenText: String? {
        get { text.isEmpty ? nil : text }
        set { text = newValue ?? "" }
    }

    /// The names of all keys of a query, in the order in which they are written.
    package static let keys = QueryKey.all.map(\.name)

    package init(id: String? = nil, text: String, head: String? = nil, threshold: Double? = nil) {
        self.id = id
        self.text = text
        self.head = head
        self.threshold = threshold
    }

    /// Reads a query from a JSON object in a message or the journal; throws an error with the query and the key.
    package init(from decoder: any Decoder) throws { try self.init(json: JSONValue(from: decoder)) }

    /// Reads a query from a JSON object; throws an error with the query and the key.
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

    /// Reads a query, which is a text alone or keys and values; paths of pictures are relative to `folder`.
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

    /// Throws, with key and line, if anything is wrong that can be checked without a model.
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
