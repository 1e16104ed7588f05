import Foundation
import TestSupport
import Testing
import WireFormat

/// A daemon, Debian's mosquitto, and a real Home Assistant from PyPI, which makes entities of what it is told.
@Suite("Home Assistant", .serialized)
struct HomeAssistantTests {
    private let notified: Notified
    private var place: Place { notified.place }

    init() throws { notified = try Notified() }

    private func home(_ broker: Broker) async throws -> Talker {
        let folder = place.folder.appending(path: "home-\(UUID().uuidString.prefix(4))").path
        return try await Talker(
            "home.py", [folder, "\(broker.port)", "\(try freePort())"], tools: "home-assistant", hasInput: true)
    }

    private struct Seen {
        let sensors: [String: JSONValue]
        let images: [String: Int64]
        let devices: [String]
        func count(_ state: String) -> Int { sensors.values.count { $0["state"] == .string(state) } }
    }

    /// What it has of ours now.
    private func look(_ home: Talker) async throws -> Seen {
        let before = home.all.count { $0["states"] != nil }
        home.say("states")
        try #require(try await until { home.all.count { $0["states"] != nil } > before })
        let answer = try #require(home.all.last { $0["states"] != nil })
        guard case .object(let states)? = answer["states"], case .object(let images)? = answer["images"] else {
            return Seen(sensors: [:], images: [:], devices: [])
        }
        return Seen(
            sensors: states.filter { $0.key.hasPrefix("binary_sensor.") }, images: images.compactMapValues(\.integer),
            devices: answer["devices"]?.array?.compactMap(\.string) ?? [])
    }

    private func shows(_ home: Talker, _ condition: @escaping @Sendable (Seen) -> Bool) async throws -> Bool {
        try await until {
            try await Task.sleep(for: .milliseconds(100))
            return condition(try await look(home))
        }
    }

    @Test("a device a stream, a sensor and an image a query; availability; what is removed is gone")
    func discovers() async throws {
        let broker = try await Broker(place.folder, port: freePort())
        let home = try await home(broker)
        let notifier =
            "name: home, format: mqtt, url: \"mqtt://localhost:\(broker.port)\", addresses: [127.0.0.1, \"::1\"], "
            + "home_assistant: true, picture: true"
        let program = try await notified.start(notified.daemon([notifier], isRealtime: true))
        #expect(try await shows(home) { $0.sensors.count == 120 && $0.images.count == 120 })
        // The lanes' events: some go on, some have ended, and their pictures came.
        #expect(
            try await shows(home) {
                $0.count("on") > 0 && $0.count("off") > 0 && $0.images.values.contains { $0 > 500 }
            })
        let seen = try await look(home)
        #expect(seen.devices.sorted() == ["s0", "s1"])
        let sensor = try #require(seen.sensors["binary_sensor.s0_q0"])
        #expect(sensor["friendly_name"] == .string("s0 a blue circle") && sensor["device_class"] == .string("motion"))
        #expect(seen.sensors.values.contains { $0["threshold"] != nil && $0["query"]?["id"] != nil }, "attributes")

        #expect(try await place.ask("query.remove", .object(["id": .string("q0")])).ok)
        #expect(
            try await shows(home) {
                $0.sensors.count == 118 && $0.images.count == 118 && $0.sensors["binary_sensor.s0_q0"] == nil
            })
        #expect(try await place.ask("stream.remove", .object(["name": .string("s1")])).ok)
        #expect(try await shows(home) { $0.sensors.count == 59 && $0.images.count == 59 })

        // Another one that starts is told anew, and has all of it by what is retained.
        let again = try await self.home(broker)
        #expect(
            try await shows(again) {
                $0.sensors.count == 59 && $0.count("unavailable") == 0 && $0.count("unknown") == 0
            })

        program.kill()
        #expect(try await shows(again) { $0.count("unavailable") == 59 })
        #expect(try await shows(home) { $0.count("unavailable") == 59 })
        // Without streams there is nothing to show: what an earlier run told of is taken away.
        let empty = try await notified.start(notified.daemon([notifier], streams: false))
        #expect(try await shows(again) { $0.sensors.isEmpty && $0.images.isEmpty })
        #expect(try await shows(home) { $0.sensors.isEmpty })
        let subscriber = try await Talker("subscriber.py", ["\(broker.port)", "late", "#"])
        #expect(try await until { subscriber.of("watchword/availability").last?["text"] == .string("online") })
        #expect(try await until { !subscriber.of("watchword/owner").isEmpty })
        let retained = subscriber.all.compactMap { $0["topic"]?.string }.sorted()
        #expect(retained == ["watchword/availability", "watchword/owner"], "nothing else is retained")
        #expect(try await empty.terminate() == 0)
        broker.kill()
    }
}
