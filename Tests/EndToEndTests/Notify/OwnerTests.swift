import Foundation
import TestSupport
import Testing
import WireFormat

/// Two daemons that were given one topic at one broker.
@Suite("One MQTT topic for two", .serialized)
struct OwnerTests {
    private func notifier(_ port: UInt16, timeout: Int = 10) -> String {
        "name: home, format: mqtt, url: \"mqtt://localhost:\(port)\", addresses: [127.0.0.1, \"::1\"], "
            + "home_assistant: true, timeout: \(timeout)"
    }

    @Test("the second says so, touches no sensor of the first, delivers alerts, and takes over when that has gone")
    func two() async throws {
        let (one, two) = (try Notified(), try Notified())
        let broker = try await Broker(one.place.folder, port: freePort())
        let first = try await one.start(one.daemon([notifier(broker.port)]))
        let sensors = try await Talker("subscriber.py", ["\(broker.port)", "sensors", "homeassistant/#"])
        @Sendable func described() -> Set<String> {
            var all: [String: String] = [:]
            for one in sensors.all {
                if let topic = one["topic"]?.string { all[topic] = one["text"]?.string ?? "" }
            }
            return Set(all.filter { !$0.value.isEmpty }.keys)
        }
        #expect(try await until { described().count == 120 })
        // Without streams it would take all of these away.
        let second = try await two.start(two.daemon([notifier(broker.port)], streams: false))
        #expect(
            try await until {
                try await two.notifier("home")?["problem"]?.string?.contains("another Watchword on this") == true
            })
        #expect(try await two.notifier("home")?["state"] == .string("failing"))
        #expect(try await two.place.ask("notify.test", .object(["name": .string("home")])).ok)
        // It looks every 5 s, and takes away what it misses for 15 s.
        let started = try await one.notifier("home")?["delivered"]?.integer ?? 0
        #expect(try await until { (try await one.notifier("home")?["delivered"]?.integer ?? 0) > started + 20 })
        try await Task.sleep(for: .seconds(20))
        #expect(described().count == 120)
        #expect(try await one.notifier("home")?["problem"] == nil)
        #expect(try await first.terminate() == 0)
        #expect(try await until { try await two.notifier("home")?["problem"] == nil })
        #expect(try await until { described().isEmpty })
        #expect(try await second.terminate() == 0)
        broker.kill()
    }

    @Test("a claim of one that is not there any more is taken over, whatever the broker kept of it")
    func abandoned() async throws {
        let notified = try Notified()
        let broker = try await Broker(notified.place.folder, port: freePort())
        let say = """
            import paho.mqtt.client as mqtt, sys
            client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
            client.connect("localhost", int(sys.argv[1]))
            client.loop_start()
            for topic, text in [("owner", "aaaa elsewhere"), ("availability", "online")]:
                client.publish("watchword/" + topic, text, qos=1, retain=True).wait_for_publish()
            client.disconnect()
            """
        let python = Fixtures.repository.appending(path: ".build/web-tools/bin/python").path
        _ = try await Talker("subscriber.py", ["\(broker.port)", "none", "none"])
        try output(of: python, ["-c", say, "\(broker.port)"])
        let program = try await notified.start(notified.daemon([notifier(broker.port)]))
        let subscriber = try await Talker("subscriber.py", ["\(broker.port)", "owner", "watchword/owner"])
        #expect(try await until { subscriber.all.last?["text"]?.string?.hasPrefix("watchword") == true })
        #expect(try await notified.notifier("home")?["problem"] == nil)
        #expect(try await program.terminate() == 0)
        broker.kill()
    }
}
