package import Foundation
import WireFormat

/// A message to a broker, always with QoS 1.
package struct MQTTMessage: Sendable, Equatable {
    /// The state of a query on a stream, for home automation.
    package struct Turn: Sendable, Hashable {
        package let key: SensorKey
        package let isOn: Bool
    }

    package let topic: String
    package let payload: Data
    package let isRetained: Bool
    /// A broker that does not take it is told the rest all the same.
    package var isOptional = false
    package var turn: Turn?

    package init(_ topic: String, _ payload: Data, isRetained: Bool = false) {
        self.topic = topic
        self.payload = payload
        self.isRetained = isRetained
    }

    /// Takes a retained message back.
    static func nothing(_ topic: String) -> MQTTMessage { MQTTMessage(topic, Data(), isRetained: true) }
}

/// A query on a stream or region: what a sensor stands for.
package struct SensorKey: Sendable, Hashable, Codable, Comparable {
    package let stream: String
    package let query: String

    package init(stream: String, query: String) {
        self.stream = stream
        self.query = query
    }

    package static func < (a: SensorKey, b: SensorKey) -> Bool { (a.stream, a.query) < (b.stream, b.query) }
}

/// Topics of a notifier, all below one prefix.
package struct MQTTTopics: Sendable, Equatable {
    package let prefix: String

    package init(_ prefix: String) { self.prefix = prefix }

    /// The prefix as a name for Home Assistant, whose names have no slash and no dot.
    package var node: String { String(prefix.map { "/.".contains($0) ? "_" : $0 }) }
    /// `online` or `offline`, retained.
    package var availability: String { "\(prefix)/availability" }
    /// Who publishes below the prefix, retained.
    package var owner: String { "\(prefix)/owner" }
    package var summary: String { "\(prefix)/summary" }
    package var test: String { "\(prefix)/test" }
    package func events(_ key: SensorKey) -> String { of("events", key) }
    /// `ON` or `OFF`, retained.
    package func state(_ key: SensorKey) -> String { of("state", key) }
    /// The newest picture, retained.
    package func image(_ key: SensorKey) -> String { of("image", key) }

    private func of(_ kind: String, _ key: SensorKey) -> String {
        "\(prefix)/\(kind)/\(Self.level(key.stream))/\(Self.level(key.query))"
    }

    /// A level of a topic: a region's slash becomes a dot, which no name has.
    private static func level(_ name: String) -> String {
        String(name.map { $0 == "/" ? "." : "+#".contains($0) ? "_" : $0 })
    }

    /// Whether a text can be a prefix: levels of letters, digits, hyphens, underscores and dots.
    package static func isPrefix(_ text: String) -> Bool {
        let levels = text.split(separator: "/", omittingEmptySubsequences: false)
        return text.utf8.count <= 128 && levels.count <= 8
            && levels.allSatisfy { level in
                !level.isEmpty
                    && level.utf8.allSatisfy { byte in
                        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                            || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || "-_.".utf8.contains(byte)
                    }
            }
    }
}

extension MQTTMessage {
    /// Bytes of a picture, at most; a larger one is left out.
    package static let mostPicture = 1 << 20
    /// Bytes of other payloads, at most.
    package static let mostPayload = 256 << 10

    /// Returns the messages of a notice, in order: its JSON, then a picture, then the state of a sensor.
    package static func of(
        _ notice: Notice, _ settings: NotifierSettings, _ context: NoticeContext, picture: Data?
    ) throws -> [MQTTMessage] {
        let topics = MQTTTopics(settings.topic)
        let topic: String
        var after: [MQTTMessage] = []
        switch notice {
        case .alert(let alert):
            let key = alert.key
            topic = topics.events(key)
            if let picture, picture.count <= mostPicture {
                var message = MQTTMessage(topics.image(key), picture, isRetained: true)
                message.isOptional = true
                after.append(message)
            }
            // After the picture: whoever is woken by the state shows that.
            if settings.homeAssistant, alert.message.phase != "update" {
                after.append(state(key, isOn: alert.message.phase == "start", topics))
            }
        case .ended(let alert): return [state(alert.key, isOn: false, topics)]
        case .off(let key): return [state(key, isOn: false, topics)]
        case .summary: topic = topics.summary
        case .test: topic = topics.test
        }
        let body = try WireCoding.encode(CloudEvent.of(notice, context))
        guard body.count <= mostPayload else {
            throw NotifyError("it has \(body.count) bytes; at most \(mostPayload) are sent")
        }
        return [MQTTMessage(topic, body)] + after
    }

    static func state(_ key: SensorKey, isOn: Bool, _ topics: MQTTTopics) -> MQTTMessage {
        var message = MQTTMessage(topics.state(key), Data((isOn ? "ON" : "OFF").utf8), isRetained: true)
        message.turn = Turn(key: key, isOn: isOn)
        return message
    }
}

extension Alert {
    package var key: SensorKey { SensorKey(stream: message.stream, query: message.query.id) }
}
