package import Matching
import WatchwordConfiguration
package import WireFormat

/// A standing query (one that the daemon watches for) as an API answers it, with all settings, defaults included.
///
/// The bytes of its pictures are left out. Its keys are those of a query in the configuration file (`QueryKey`), and
/// `source` and `verdicts`.
package struct QueryDescription: Codable, Sendable {
    /// The JSON values of the description, by key.
    package let values: [String: JSONValue]

    /// Describes a query.
    ///
    /// `verdicts` counts its events that people marked as right and as wrong; nil leaves the key out.
    package init(
        _ query: StandingQuery, source: ConfigurationSource? = nil, verdicts: (right: Int, wrong: Int)? = nil
    ) {
        var values = QueryConfiguration(query, pictures: false).json
        for key in QueryKey.all where values[key.name] == nil { values[key.name] = key.standard }
        values["images"] = .array(
            query.images.map {
                .object([
                    "name": .string($0.name), "kind": .string($0.kind ?? ""),
                    "bytes": .integer(Int64($0.encoded.count)),
                ])
            })
        values["source"] = source.map { .string($0.rawValue) }
        values["verdicts"] = verdicts.map {
            .object(["right": .integer(Int64($0.right)), "wrong": .integer(Int64($0.wrong))])
        }
        self.values = values
    }

    package init(from decoder: any Decoder) throws {
        values = try decoder.singleValueContainer().decode([String: JSONValue].self)
    }

    package func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        try value.encode(values)
    }

    package var id: String { values["id"]?.string ?? "" }
    package var text: String { values["text"]?.string ?? "" }
    package var head: String { values["head"]?.string ?? "" }
    package var frames: Int { Int(values["frames"]?.integer ?? 0) }
    package var streams: [String] { (values["streams"]?.array ?? []).compactMap(\.string) }
    package var pictureNames: [String] { (values["images"]?.array ?? []).compactMap { $0["name"]?.string } }
    package var isEnabled: Bool { values["enabled"] != .bool(false) }
    /// The origin of the query, such as the configuration file; nil if it is unknown.
    package var source: ConfigurationSource? { values["source"]?.string.flatMap(ConfigurationSource.init) }

    /// The query's rule in a few words, for a table.
    ///
    /// Examples are "0.25" (a threshold), "p 0.5 of 3" (a probability among 3 texts) and "1 a day" (a number of
    /// alerts).
    package var ruleInWords: String {
        if let probability = values["probability"]?.double {
            return "p \(probability) of \((values["against"]?.array?.count ?? 0) + 1)"
        }
        if let alerts = values["false_alerts_per_day"]?.double { return "\(alerts) a day" }
        return values["threshold"]?.double.map { "\($0)" } ?? ""
    }

    /// The schema of a query's description in an answer.
    static let schema = Schema.object(
        QueryKey.all.map {
            Schema.Property($0.name, $0.answered, required: $0.standard != nil || always.contains($0.name))
        }
            + [
                .init("source", .word(ConfigurationSource.allCases.map(\.rawValue)), "The configuration, or a socket."),
                .init(
                    "verdicts",
                    .object([.init("right", .integer(), required: true), .init("wrong", .integer(), required: true)]),
                    "Events of it that people have called right and wrong."),
            ])

    /// The keys that every description has although their defaults depend on the model.
    private static let always: Set = ["id", "head", "frames"]
}
