import Matching
package import WireFormat

/// A key of a query: its name, its allowed values, and the property of `QueryConfiguration` that holds it.
///
/// Files and messages are read and written by the table of all keys, and the API's schemas and descriptions are
/// generated from it.
package struct QueryKey: Sendable {
    /// The property that holds a key's value; its type determines how the value is read and written.
    enum Place: Sendable {
        case text(any WritableKeyPath<QueryConfiguration, String?> & Sendable)
        case texts(any WritableKeyPath<QueryConfiguration, [String]?> & Sendable)
        case number(any WritableKeyPath<QueryConfiguration, Double?> & Sendable)
        case integer(any WritableKeyPath<QueryConfiguration, Int?> & Sendable)
        case truth(any WritableKeyPath<QueryConfiguration, Bool?> & Sendable)
        case metadata, images, confirm, update, active, expires
    }

    /// The key's name in files and messages.
    package let name: String
    /// The JSON schema of a value in a file or request.
    package let schema: Schema
    /// The JSON schema of the value in the daemon's answers.
    package let answered: Schema
    package let summary: String
    /// The key's default value; nil if there is none, or if it depends on the model.
    package let standard: JSONValue?
    let place: Place

    init(
        _ name: String, _ place: Place, _ schema: Schema, answered: Schema? = nil, standard: JSONValue? = nil,
        _ summary: String
    ) {
        self.name = name
        self.place = place
        self.schema = schema
        self.answered = answered ?? schema.withoutBounds
        self.standard = standard
        self.summary = summary
    }

    /// All keys of a query, in the order in which people read them.
    package static let all: [QueryKey] = [
        QueryKey("id", .text(\.id), .name, "Made from the text if it is left out."),
        QueryKey(
            "text", .text(\.givenText), .text(text), answered: .text(), standard: .string(""),
            "The event in words; it may be left out where there are images."),
        QueryKey(
            "phrasings", .texts(\.phrasings), texts(text), answered: list, standard: .array([]),
            "Other ways to say it."),
        QueryKey(
            "images", .images, texts(), answered: pictures, standard: .array([]),
            "Example pictures, data: URIs of JPEG, PNG, WebP, GIF, BMP or TIFF."),
        QueryKey(
            "prompts", .texts(\.prompts), texts(text), answered: list, standard: .array([]),
            "Templates with {} for the text."),
        QueryKey(
            "tags", .texts(\.tags), texts(1...128), answered: list, standard: .array([]),
            "Words for subscribers."),
        QueryKey(
            "metadata", .metadata, .object([], others: .text(0...4096)), standard: .object([:]),
            "Whatever its owner wants to keep with it."),
        QueryKey("head", .text(\.head), .text(1...64), "Temporal head; the model's own if it is left out."),
        QueryKey("frames", .integer(\.frames), .integer(1...1024), "Window length in sampled frames."),
        QueryKey("threshold", .number(\.threshold), .number(), "A fixed score. A query has one rule of three."),
        QueryKey("against", .texts(\.against), texts(text), answered: list, "Contrasts: what else it might be."),
        QueryKey("probability", .number(\.probability), .number(0...1), "With `against`."),
        QueryKey(
            "false_alerts_per_day", .number(\.falseAlertsPerDay), .number(0.001...8640),
            "A budget, from which thresholds are learnt."),
        QueryKey(
            "hysteresis", .number(\.hysteresis), .number(0...1000), standard: .number(0),
            "How far the value must fall below the threshold to end an event."),
        QueryKey(
            "minimum_duration", .number(\.minimumDuration), .number(day), standard: .number(0),
            "Seconds that a match must last."),
        QueryKey(
            "confirm", .confirm, confirm, standard: .object(["need": .integer(1), "of": .integer(1)]),
            "Windows that must match of the last."),
        QueryKey(
            "cooldown", .number(\.cooldown), .number(day), standard: .number(0),
            "Seconds after an event in which nothing belongs to another one."),
        QueryKey("update", .update, update, standard: standardUpdate, "When a peak that rises is told again."),
        QueryKey(
            "streams", .texts(\.streams), texts(1...256), answered: list, standard: .array([.string("*")]),
            "Patterns of names, labels and regions."),
        QueryKey(
            "active", .active, .either([part, .list(part)]), answered: .list(part), standard: .array([]),
            "When it is watched."),
        QueryKey("group", .text(\.group), .name, "Queries of one group have one alert a stream together."),
        QueryKey(
            "priority", .integer(\.priority), .integer(-1000...1000), standard: .integer(0),
            "The highest priority in a group leads its event."),
        QueryKey("expires", .expires, .moment, "Until when it is watched."),
        QueryKey("enabled", .truth(\.enabled), .truth, standard: .bool(true), "Whether it is watched at all."),
        QueryKey(
            "snapshot", .truth(\.snapshot), .truth, standard: .bool(true),
            "Whether an event keeps the picture of its peak."),
        QueryKey(
            "clips", .truth(\.clips), .truth, standard: .bool(true),
            "Whether an event keeps a clip of its stream, where those are recorded."),
    ]

    /// The keys that determine a query's threshold, of which it has at most one; `probability` belongs to `against`.
    static let rules = ["threshold", "against", "false_alerts_per_day"]

    // MARK: Shapes

    private static let text = 1...4096
    private static let day = 0.0...86_400
    private static let list = Schema.list(.text())

    /// Returns the schema of one text or a list of texts.
    private static func texts(_ length: ClosedRange<Int>? = nil) -> Schema {
        .either([.text(length), .list(.text(length))])
    }

    private static let confirm = Schema.either([
        .text(3...7),
        .object([.init("need", .integer(1...64), required: true), .init("of", .integer(1...64), required: true)]),
    ])
    private static let update = Schema.object([.init("step", .number()), .init("interval", .number())])
    private static let standardUpdate: JSONValue = {
        let policy = EventPolicy()
        return .object(["step": .number(policy.updateStep.shortest), "interval": .number(policy.updateInterval)])
    }()
    private static let part = Schema.object([
        .init("zone", .text(1...64), required: true), .init("days", texts(1...16)), .init("hours", texts(1...16)),
    ])
    private static let pictures = Schema.list(
        .object([
            .init("name", .text(), required: true), .init("kind", .text(), required: true),
            .init("bytes", .integer(), required: true),
        ]))
}

extension Schema {
    /// The same schema without limits of numbers and texts, since answers are not validated.
    fileprivate var withoutBounds: Schema {
        switch self {
        case .integer: .integer()
        case .number: .number()
        case .text: .text()
        case .object(let properties, let others): .object(properties, others: others?.withoutBounds)
        default: self
        }
    }
}

extension Float {
    /// The shortest decimal number that equals this one in single precision: 0.2, not 0.20000000298.
    var shortest: Double { Double("\(self)") ?? Double(self) }
}
