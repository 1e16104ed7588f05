import Foundation
import Printing
import SystemSupport
import WireFormat

/// A query on a stream as Home Assistant shows it: a sensor that is on during an event, and its newest picture.
package struct HomeSensor: Sendable, Hashable {
    package let key: SensorKey
    package let text: String
}

/// Home Assistant's discovery by MQTT: a device a stream, a binary sensor and an image a query.
package struct HomeAssistant: Sendable {
    private let topics: MQTTTopics
    private let hasPictures: Bool
    /// The name that tells this notifier's entities from others.
    private var node: String { topics.node }

    /// The topic on which Home Assistant says that it is there.
    static let status = "homeassistant/status"

    package init(_ topics: MQTTTopics, hasPictures: Bool) {
        self.topics = topics
        self.hasPictures = hasPictures
    }

    /// The topics of the notifier's own descriptions.
    var subscriptions: [String] { ["binary_sensor", "image"].map { "homeassistant/\($0)/\(node)/+/config" } }

    /// The retained messages that make an entity known; `isOn`: whether an event goes on that was told.
    package func messages(_ sensor: HomeSensor, isOn: Bool) throws -> [MQTTMessage] {
        var all = [
            MQTTMessage(topic("binary_sensor", sensor.key), try binarySensor(sensor), isRetained: true),
            MQTTMessage.state(sensor.key, isOn: isOn, topics),
        ]
        if hasPictures { all.append(MQTTMessage(topic("image", sensor.key), try image(sensor), isRetained: true)) }
        return all
    }

    /// The messages that take an entity away, and what is retained of it.
    package func removal(_ key: SensorKey) -> [MQTTMessage] {
        [topic("binary_sensor", key), topic("image", key), topics.state(key), topics.image(key)].map(
            MQTTMessage.nothing)
    }

    /// The messages that take away what an earlier run described, as it was found.
    func removal(topic: String, payload: Data) -> [MQTTMessage] {
        guard topic.hasPrefix("homeassistant/"), topic.hasSuffix("/config"), !payload.isEmpty else { return [] }
        let found = try? JSONText.parse(payload)
        let others = [found?["state_topic"]?.string, found?["image_topic"]?.string].compactMap { $0 }
            .filter { $0.hasPrefix(topics.prefix + "/") && !$0.contains("+") && !$0.contains("#") }
        return ([topic] + others).map(MQTTMessage.nothing)
    }

    /// Topics of a sensor's descriptions.
    func descriptions(_ key: SensorKey) -> [String] {
        [topic("binary_sensor", key)] + (hasPictures ? [topic("image", key)] : [])
    }

    private func topic(_ component: String, _ key: SensorKey) -> String {
        "homeassistant/\(component)/\(node)/\(Self.unique(key))/config"
    }

    /// A name of the sensor's own, also where `a_b` and `c` read as `a` and `b_c` do.
    private static func unique(_ key: SensorKey) -> String {
        "\(readable(key))_\(FNV1a("\(key.stream)\n\(key.query)".utf8).digits)"
    }

    private static func readable(_ key: SensorKey) -> String {
        "\(key.stream)_\(key.query)".replacing("/", with: "_")
    }

    // MARK: Descriptions

    private func binarySensor(_ sensor: HomeSensor) throws -> Data {
        var all = common(sensor, "binary_sensor", suffix: "")
        all["state_topic"] = .string(topics.state(sensor.key))
        all["json_attributes_topic"] = .string(topics.events(sensor.key))
        all["json_attributes_template"] = .string("{{ value_json.data | tojson }}")
        all["device_class"] = .string("motion")
        all["qos"] = .integer(1)
        return try WireCoding.encode(JSONValue.object(all))
    }

    private func image(_ sensor: HomeSensor) throws -> Data {
        var all = common(sensor, "image", suffix: " (picture)")
        all["image_topic"] = .string(topics.image(sensor.key))
        all["content_type"] = .string("image/jpeg")
        return try WireCoding.encode(JSONValue.object(all))
    }

    private func common(_ sensor: HomeSensor, _ component: String, suffix: String) -> [String: JSONValue] {
        let (stream, region) = Self.parts(sensor.key.stream)
        let text = ControlCharacters.escaped(sensor.text.excerpt(120))
        let name = (region.map { "\($0): " } ?? "") + (text.isEmpty ? sensor.key.query : text) + suffix
        let object = Self.readable(sensor.key).lowercased().replacing("-", with: "_")
        return [
            "name": .string(name), "unique_id": .string("\(node)_\(Self.unique(sensor.key))_\(component)"),
            // Names of entities: the first is read by Home Assistant before 2025.10, the second since.
            "object_id": .string(object), "default_entity_id": .string("\(component).\(object)"),
            "availability_topic": .string(topics.availability),
            "device": .object([
                "identifiers": .array([.string("\(node)_\(stream)")]), "name": .string(stream),
                "manufacturer": .string("Watchword"), "model": .string("stream"),
            ]),
            "origin": .object(["name": .string("Watchword")]),
        ]
    }

    private static func parts(_ lane: String) -> (stream: String, region: String?) {
        let parts = lane.split(separator: "/", maxSplits: 1).map(String.init)
        return (parts.first ?? lane, parts.count == 2 ? parts[1] : nil)
    }
}
