import Foundation
import Journal
import Matching
import Notify
import StreamSources
import Synchronization
import TestSupport
import Testing
import WireFormat

/// A broker in this process, which takes some messages at a time, and then none for a while.
private final class FakeBroker: NoticeSender {
    private let all = Mutex<[MQTTMessage]>([])
    private let sizes = Mutex<[Int]>([])
    /// How many parcels it takes of the next batches; all, when there is no more said.
    private let appetite: Mutex<[Int]>

    init(_ appetite: [Int] = []) { self.appetite = Mutex(appetite) }

    var window: Int { 20 }
    var longestPause: Double { 5 }

    func send(_ parcels: [Parcel]) async -> (delivered: Int, outcome: DeliveryOutcome) {
        sizes.withLock { $0.append(parcels.count) }
        let count = min(appetite.withLock { $0.isEmpty ? .max : $0.removeFirst() }, parcels.count)
        for case .messages(let messages) in parcels.prefix(count) { all.withLock { $0 += messages } }
        return (count, count == parcels.count ? .delivered : .failed("the broker has gone"))
    }
    func close() async {}

    var got: [MQTTMessage] { all.withLock { $0 } }
    var batches: [Int] { sizes.withLock { $0 } }
    func of(_ kind: String) -> [MQTTMessage] { got.filter { $0.topic.hasPrefix("watchword/\(kind)") } }
    var numbers: [Int64] {
        of("events").compactMap { try? JSONText.parse($0.payload)["data"]?["seq"]?.integer }
    }
    var states: [String] {
        of("state").map { "\($0.topic.dropFirst(16)) \(String(decoding: $0.payload, as: UTF8.self))" }
    }
}

@Suite("MQTT and Home Assistant")
struct MQTTTests {
    private let time = FakeTime()

    private func wanted(_ change: (inout NotifierSettings) -> Void = { _ in }) -> NotifierSettings {
        settings(.mqtt) {
            $0.url = "mqtt://broker.example"
            change(&$0)
        }
    }

    private func run(_ log: FakeLog, _ wanted: NotifierSettings, _ broker: FakeBroker) async throws -> NotifierStatus {
        log.begin()
        let hub = NotifyHub(log: log, clock: time.clock, logger: quietLogger) { _ in broker }
        try await hub.apply(NotifyHub.prepare([wanted]))
        #expect(try await until { log.isIdle })
        let status = try #require(await hub.status().first)
        await hub.stop()
        return status
    }

    private func begun(_ wanted: NotifierSettings) async throws -> FakeLog {
        let log = try FakeLog(time)
        _ = try await run(log, wanted, FakeBroker())
        time.advance(1)
        return log
    }

    @Test("at most 20 at once; what a broker took before it went is not sent again, the rest is, in order")
    func batches() async throws {
        let log = try await begun(wanted())
        let now = time.now
        try log.add((0..<100).map { _ in match(at: now) }, at: Array(repeating: now, count: 100))
        let broker = FakeBroker([20, 7, 0, 0, 13])
        let status = try await run(log, wanted(), broker)
        #expect(broker.numbers == Array(1...100) && broker.batches.allSatisfy { $0 <= 20 })
        // After a failure one is tried alone.
        #expect(Array(broker.batches.prefix(5)) == [20, 20, 1, 1, 1])
        #expect(status.delivered == 100 && status.failures == 3 && status.seq == 100 && status.state == .idle)
    }

    @Test("what grew old while the broker was away is counted in a summary, and a limit holds over batches")
    func late() async throws {
        let wanted = wanted { ($0.catchUp, $0.limit) = (4, AlertLimit(alerts: 30, per: 3600)) }
        let log = try await begun(wanted)
        let now = time.now
        try log.add((0..<100).map { _ in match(at: now) }, at: Array(repeating: now, count: 100))
        let broker = FakeBroker([20, 5, 0, 0, 0])
        _ = try await run(log, wanted, broker)
        #expect(broker.numbers == Array(1...25))
        let summary = try #require(broker.of("summary").first)
        #expect(try JSONText.parse(summary.payload)["data"]?["alerts"] == .integer(75))
    }

    @Test("a sensor is on from a start that is told to the end, told or not, also over a restart")
    func states() async throws {
        let quiet = wanted { ($0.homeAssistant, $0.catchUp) = (true, 100) }
        let log = try await begun(quiet)
        func add(_ phase: String, query: String, at: Double) throws {
            try log.add([match(phase, query: query, at: at)], at: [time.now])
        }
        try add("start", query: "van", at: time.now)
        try add("start", query: "dog", at: time.now)
        try add("start", query: "old", at: time.now - 1000)
        let first = FakeBroker()
        _ = try await run(log, quiet, first)
        #expect(first.states == ["gate/van ON", "gate/dog ON"])
        // Ends that are not told: too late, of another phase.
        time.advance(1)
        try add("end", query: "van", at: time.now - 1000)
        try add("end", query: "old", at: time.now - 1000)
        try add("end", query: "dog", at: time.now)
        let second = FakeBroker()
        _ = try await run(
            log, wanted { ($0.homeAssistant, $0.catchUp, $0.filter.phases) = (true, 100, [.start]) }, second)
        #expect(second.states == ["gate/van OFF", "gate/dog OFF"] && second.numbers.isEmpty)
        // They are off now, and stay so.
        let third = FakeBroker()
        time.advance(1)
        try add("end", query: "van", at: time.now - 1000)
        _ = try await run(log, quiet, third)
        #expect(third.states.isEmpty)
        // A start and an end that is not told stand in one page.
        time.advance(1)
        try add("start", query: "cat", at: time.now)
        try add("end", query: "cat", at: time.now)
        let fourth = FakeBroker()
        _ = try await run(
            log, wanted { ($0.homeAssistant, $0.catchUp, $0.filter.phases) = (true, 100, [.start]) }, fourth)
        #expect(fourth.states == ["gate/cat ON", "gate/cat OFF"])
    }

    @Test("the messages of an alert: JSON, picture, state, each of its topic")
    func messages() throws {
        let wanted = wanted { ($0.homeAssistant, $0.topic) = (true, "home/w") }
        let context = NoticeContext(journal: "J", notifier: "broker", now: time.now)
        func made(_ phase: String, _ picture: Data?) throws -> [MQTTMessage] {
            try MQTTMessage.of(
                .alert(alert(match(phase, stream: "gate/door", at: time.now))), wanted, context, picture: picture)
        }
        let start = try made("start", Data([1]))
        #expect(
            start.map(\.topic) == [
                "home/w/events/gate.door/van", "home/w/image/gate.door/van", "home/w/state/gate.door/van",
            ])
        #expect(start.map(\.isRetained) == [false, true, true] && start.map(\.isOptional) == [false, true, false])
        #expect(try made("update", nil).count == 1)
        #expect(try made("end", Data(count: MQTTMessage.mostPicture + 1)).count == 2)
        #expect(try MQTTMessage.of(.test(id: "1"), wanted, context, picture: nil).map(\.topic) == ["home/w/test"])
    }

    @Test("sensors are queries on the streams that they watch, as far as the notifier is about them, and not too many")
    func sensors() throws {
        let roster = NotifyRoster(
            streams: ["gate": ["outdoor"], "gate/door": ["outdoor"], "lobby": []],
            queries: [
                .init(id: "van", text: "a van", tags: ["cars"], streams: try StreamSelector(["label:outdoor"])),
                .init(id: "dog", text: "a dog", tags: [], streams: .all),
            ])
        func keys(_ change: (inout AlertFilter) throws -> Void) rethrows -> [String] {
            var filter = AlertFilter()
            try change(&filter)
            return roster.sensors(filter).sensors.map { "\($0.key.stream) \($0.key.query)" }
        }
        #expect(keys { _ in } == ["gate van", "gate dog", "lobby dog"])
        #expect(
            keys { $0.tags = ["cars"] } == ["gate van"] && keys { $0.queries = ["dog"] } == ["gate dog", "lobby dog"])
        #expect(try keys { $0.streams = try StreamSelector(["lobby"]) } == ["lobby dog"])
        let many = NotifyRoster(
            streams: ["a": [], "b": []],
            queries: (0..<400).map { .init(id: "q\($0)", text: "", tags: [], streams: .all) })
        let found = many.sensors(AlertFilter())
        #expect(found.sensors.count == NotifyRoster.mostSensors && !found.areAll)
    }

    @Test("a sensor's description, and what takes it away")
    func discovery() throws {
        let home = HomeAssistant(MQTTTopics("home/w"), hasPictures: true)
        let roster = NotifyRoster(
            streams: ["gate/door": []],
            queries: [.init(id: "van", text: "a van\n", tags: [], streams: try StreamSelector(["*/*"]))])
        let sensor = try #require(roster.sensors(AlertFilter()).sensors.first)
        let messages = try home.messages(sensor, isOn: true)
        #expect(messages.allSatisfy { $0.isRetained })
        #expect(messages[0].topic.hasPrefix("homeassistant/binary_sensor/home_w/gate_door_van_"))
        #expect(messages[1].topic == "home/w/state/gate.door/van")
        #expect(messages[2].topic.hasPrefix("homeassistant/image/home_w/gate_door_van_") && messages.count == 3)
        let config = try JSONText.parse(messages[0].payload)
        #expect(config["name"] == .string("door: a van\\n") && config["device"]?["name"] == .string("gate"))
        #expect(config["state_topic"] == .string(messages[1].topic) && config["object_id"] == .string("gate_door_van"))
        #expect(config["availability_topic"] == .string("home/w/availability"))
        let gone = home.removal(sensor.key)
        #expect(gone.allSatisfy { $0.payload.isEmpty && $0.isRetained })
        #expect(Set(messages.map(\.topic)).isSubset(of: gone.map(\.topic)) && gone.count == 4)
    }

    @Test("a sensor whose event's end is gone from the journal is turned off; one whose event goes on stays")
    func gone() async throws {
        let wanted = wanted { ($0.homeAssistant, $0.catchUp) = (true, 100) }
        let log = try await begun(wanted)
        for query in ["van", "dog"] { try log.add([match(query: query, at: time.now)], at: [time.now]) }
        let first = FakeBroker()
        _ = try await run(log, wanted, first)
        #expect(first.states == ["gate/van ON", "gate/dog ON"])
        // Another journal, in which only the dog's event goes on.
        let other = try FakeLog(time)
        for (name, place) in try await log.places() { try await other.save(place: place, of: name) }
        other.openNow.withLock { $0 = [SensorKey(stream: "gate", query: "dog")] }
        let second = FakeBroker()
        _ = try await run(other, wanted, second)
        #expect(second.states == ["gate/van OFF"])
        // A hole: what ended the dog's event is lost.
        time.advance(1)
        let lost = match("end", query: "dog", at: time.now)
        try other.add([lost, match(query: "cat", at: time.now)], at: [time.now, time.now])
        other.lost.withLock { $0 = [Hole(first: 1, last: 1, reason: .retention)] }
        other.openNow.withLock { $0 = [] }
        let third = FakeBroker()
        _ = try await run(other, wanted, third)
        #expect(third.states == ["gate/dog OFF", "gate/cat ON"])
    }

    @Test("an address that answers nothing is said so within the timeout, and the notifier ends meanwhile")
    func unanswered() async throws {
        let deaf = try DeafServer()
        let wanted = settings(.mqtt) {
            ($0.url, $0.timeout, $0.addresses) = (
                "mqtt://127.0.0.1:\(deaf.port)", 1, [AddressRange("127.0.0.1")].compactMap(\.self)
            )
        }
        let hub = NotifyHub(log: try FakeLog(time), logger: quietLogger)
        try await hub.apply(NotifyHub.prepare([wanted]))
        #expect(
            try await until { await hub.status().first?.problem?.contains("nothing answers within 1 s") == true })
        // Also in the middle of a connection.
        await hub.stop()
        #expect(await hub.status().isEmpty)
    }
}

/// A port whose queue of connections is full: the kernel answers nothing.
private final class DeafServer {
    let port: UInt16
    private var sockets: [Int32] = []

    init() throws {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(server, $0, size) == 0 && listen(server, 0) == 0 && getsockname(server, $0, &size) == 0
            }
        }
        try #require(isBound)
        port = UInt16(bigEndian: address.sin_port)
        sockets = [server]
        for _ in 0..<4 {
            let one = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = connect(one, $0, size) }
            }
            sockets.append(one)
        }
    }

    deinit { for one in sockets { close(one) } }
}

@Suite("The owner of a topic")
struct TopicOwnerTests {
    private let topics = MQTTTopics("home")
    private let other = TopicOwner.Claim(name: "a", host: "elsewhere")

    /// One that has yielded its topic to another.
    private func guest() -> TopicOwner {
        var owner = TopicOwner(.init(name: "b", host: "here"), topics)
        _ = owner.see(topics.owner, other.payload, isRetained: true)
        _ = owner.see(topics.availability, Data("online".utf8), isRetained: true)
        let steps = [owner.wait(), owner.see(topics.owner, other.payload, isRetained: false)]
        #expect(steps == [.ask(other), .yield(other)])
        #expect(!owner.isOwner)
        return owner
    }

    /// The steps of so many waits.
    private func waits(_ count: Int, _ owner: inout TopicOwner) -> [TopicOwner.Step] {
        var steps: [TopicOwner.Step] = []
        for _ in 0..<count { steps.append(owner.wait()) }
        return steps
    }

    private var quiet: [TopicOwner.Step] { Array(repeating: .nothing, count: TopicOwner.mostWaits - 1) }

    @Test("one that has yielded asks again, and takes silence for the end of the other")
    func silence() {
        var owner = guest()
        let steps = waits(TopicOwner.mostWaits + 1, &owner)
        #expect(steps == quiet + [.ask(other), .claim])
        #expect(owner.isOwner)
    }

    @Test("an answer leaves the topic to the other until the next question")
    func answer() {
        var owner = guest()
        let before = waits(TopicOwner.mostWaits, &owner)
        let answered = owner.see(topics.owner, other.payload, isRetained: false)
        let after = waits(TopicOwner.mostWaits, &owner)
        #expect(before == quiet + [.ask(other)] && answered == .nothing && after == before)
        #expect(!owner.isOwner)
    }
}
