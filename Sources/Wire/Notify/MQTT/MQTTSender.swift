import Concurrency
import Foundation
package import Logging

/// Sends by MQTT, over a connection that is kept, and tells Home Assistant what there is.
package actor MQTTSender: NoticeSender {
    package nonisolated var window: Int { MQTTLink.mostUnconfirmed }
    package nonisolated var longestPause: Double { 5 }
    package nonisolated var problem: String? { link.problem }

    private nonisolated let link: MQTTLink
    private let context: SenderContext
    private let home: HomeAssistant?
    private let logger: Logger
    /// Sensors that are on, as far as was handed to the connection.
    private var on: Set<SensorKey>
    /// Sensors that Home Assistant has been told of over this connection.
    private var described: [SensorKey: HomeSensor] = [:]
    /// Sensors that are gone, and since how many looks: one that is being replaced is gone for a moment.
    private var missing: [SensorKey: Int] = [:]
    /// Descriptions of an earlier run, by topic.
    private var found: [String: Data] = [:]
    /// Looks since the connection was made at which it was known what there is.
    private var looks = 0
    private var hasSaidTooMany = false
    private var upkeep: Task<Void, Never>?

    /// Seconds between looks at which streams and queries there are.
    private static let look = 5.0
    /// Looks at which something must be missing before it is taken away.
    private static let leastLooks = 3
    /// Sensors described at once.
    private static let portion = 25

    package init(_ context: SenderContext, logger: Logger) {
        self.context = context
        self.logger = logger
        on = context.on
        let topics = MQTTTopics(context.settings.topic)
        let tellsHome = context.settings.homeAssistant && !context.isTest
        let home = tellsHome ? HomeAssistant(topics, hasPictures: context.settings.picture) : nil
        self.home = home
        let options = MQTTOptions(
            context.settings, context.target, journal: context.journal, role: context.isTest ? "test" : "",
            availability: context.isTest ? nil : topics.availability,
            subscriptions: home.map { $0.subscriptions + [HomeAssistant.status] } ?? [])
        link = MQTTLink(options, name: context.settings.name, logger: logger)
    }

    package func start() {
        link.start()
        if home != nil, upkeep == nil { upkeep = Task { await keep() } }
    }

    package func send(_ parcels: [Parcel]) async -> (delivered: Int, outcome: DeliveryOutcome) {
        link.start()
        var messages: [MQTTMessage] = []
        var ends: [Int] = []
        for parcel in parcels {
            if case .messages(let some) = parcel { messages += some }
            ends.append(messages.count)
        }
        for turn in messages.compactMap(\.turn) {
            if turn.isOn { on.insert(turn.key) } else { on.remove(turn.key) }
        }
        let outcome = await link.outcome(of: link.enqueue(messages))
        let delivered = ends.prefix { $0 <= outcome.confirmed }.count
        return (delivered, outcome.problem.map { .failed($0) } ?? .delivered)
    }

    package func close() async {
        upkeep?.cancel()
        await upkeep?.value
        await link.stop()
    }

    // MARK: Home Assistant

    private func keep() async {
        while !Task.isCancelled {
            let arrival = await link.arrivals.next(until: .now + .seconds(Self.look))
            link.took(arrival)
            switch arrival {
            case .up:
                (found, looks) = ([:], 0)
                await describe(anew: true)
            case .message(let message) where message.topic == HomeAssistant.status:
                if message.payload == Data("online".utf8) { await describe(anew: true) }
            case .message(let message):
                // What is retained was there before this connection.
                if message.isRetained { found[message.topic] = message.payload }
            case .nothing: if !Task.isCancelled, link.problem == nil { await describe(anew: false) }
            }
        }
    }

    /// Tells of what is new and takes away what is gone; `anew`: tells of everything.
    private func describe(anew: Bool) async {
        guard let home, let roster = await context.roster.now() else { return }
        let (sensors, areAll) = roster.sensors(context.settings.filter)
        if !areAll, !hasSaidTooMany {
            logger.warning(
                "Home Assistant is told of some queries and streams only; choose by queries, streams or tags",
                metadata: ["notifier": "\(context.settings.name)", "told": "\(sensors.count)"])
        }
        hasSaidTooMany = !areAll
        if anew { described = [:] } else { looks += 1 }
        guard await remove(home, but: Set(sensors.map(\.key))) else { return }
        var left = sensors.filter { described[$0.key] != $0 }[...]
        while !left.isEmpty {
            let portion = left.prefix(Self.portion)
            // Made and handed in without a pause in between: a state that comes later is sent later.
            let messages = portion.flatMap { (try? home.messages($0, isOn: on.contains($0.key))) ?? [] }
            guard await hand(messages) else { return }
            for sensor in portion { described[sensor.key] = sensor }
            left = left.dropFirst(portion.count)
        }
    }

    /// Takes away what is gone, in this run or since an earlier one; false if the broker did not take that.
    private func remove(_ home: HomeAssistant, but keys: Set<SensorKey>) async -> Bool {
        missing = missing.filter { !keys.contains($0.key) }
        for key in described.keys where !keys.contains(key) {
            missing[key, default: 0] += 1
            guard missing[key, default: 0] >= Self.leastLooks else { continue }
            guard await hand(home.removal(key)) else { return false }
            (described[key], missing[key]) = (nil, nil)
        }
        guard looks >= Self.leastLooks, !found.isEmpty else { return true }
        let known = Set(keys.flatMap(home.descriptions))
        for (topic, payload) in found where !known.contains(topic) {
            guard await hand(home.removal(topic: topic, payload: payload)) else { return false }
        }
        found = [:]
        return true
    }

    /// Whether the broker has all of them.
    private func hand(_ messages: [MQTTMessage]) async -> Bool {
        guard !messages.isEmpty else { return true }
        return await link.outcome(of: link.enqueue(messages)).problem == nil
    }
}
