import WireFormat

/// The schema of a notifier that a client adds: keys as in the configuration, with credentials in the place of files.
enum NotifierDescription {
    static let schema = Schema.object([
        .init("name", .name, required: true),
        .init(
            "format", .word(["cloudevents", "mqtt", "slack", "discord", "ntfy", "gotify", "telegram"]),
            "What the receiver understands; cloudevents, if it is left out."),
        .init("url", .text(1...4096), "Where to send; none for telegram."),
        .init("url_file", credential, "In its place: a credential that has the address."),
        .init("secret", credential, "The credential that signs requests (Standard Webhooks)."),
        .init("token", credential, "The credential that the service wants."),
        .init("chat", .text(1...256), "The chat that Telegram sends to."),
        .init("topic", .text(1...128), "MQTT: what all topics begin with; watchword, if it is left out."),
        .init("user", .text(1...256), "MQTT: who it is to the broker."),
        .init("password", credential, "MQTT: the credential that is the user's password."),
        .init("ca", credential, "MQTT by TLS: the credential that is the authority's certificate."),
        .init("certificate", credential), .init("key", credential),
        .init("home_assistant", .truth, "MQTT: whether Home Assistant is told of sensors."),
        .init("picture", .truth, "Whether pictures go with alerts."),
        .init("queries", texts, "Ids of queries; all, if it is left out."),
        .init("streams", texts, "Patterns of names; all, if it is left out."),
        .init("tags", texts, "Queries with one of these."),
        .init("phases", .either([phase, .list(phase)])),
        .init("catch_up", time, "The age after which an alert is not sent, but counted."),
        .init(
            "at_most",
            .object([.init("alerts", .integer(1...10_000), required: true), .init("per", time, required: true)]),
            "More become one summary."),
        .init("quiet", .either([part, .list(part)]), "When nothing is sent."),
        .init("timeout", time, "Seconds that a request may take."),
    ])

    private static let credential = Schema.text(1...256)
    private static let texts = Schema.either([.text(1...256), .list(.text(1...256), 1...1000)])
    private static let phase = Schema.word(["start", "update", "end"])
    private static let time = Schema.either([.text(1...16), .number(0...31_622_400)])
    private static let words = Schema.either([.text(1...256), .list(.text(1...256), 1...48)])
    private static let part = Schema.object([
        .init("zone", .text(1...64), required: true), .init("days", words), .init("hours", words),
    ])
}
