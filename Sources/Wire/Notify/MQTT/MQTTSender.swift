import Concurrency
import Foundation
package import Logging
import Synchronization

/// Sends by MQTT, over a connection that is kept, and tells Home Assistant what there is.
package actor MQTTSender: NoticeSender {
    package nonisolated var window: Int { MQTTLink.mostUnconfirmed }
    package nonisolated var longestPause: Double { 5 }
    package nonisolated var problem: String? { link.problem ?? conflict.withLock { $0 } }

    private nonisolated let link: MQTTLink
    private nonisolated let conflict = Mutex<String?>(nil)
    private let context: SenderContext
    private let topics: MQTTTopics
    private let home: HomeAssistant?
    private var owner: TopicOwner
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
        self.topics = topics
        let name = MQTTOptions.client(context.journal, context.settings.name)
        let owner = TopicOwner(.init(name: name, host: Self.host), topics)
        self.owner = owner
        let tellsHome = context.settings.homeAssistant && !context.isTest
        let home = tellsHome ? HomeAssistant(topics, hasPictures: context.settings.picture) : nil
        self.home = home
        let options = MQTTOptions(
            context.settings, context.target, journal: context.journal, role: context.isTest ? "test" : "",
            availability: context.isTest ? nil : topics.availability,
            subscriptions: (context.isTest ? [] : owner.subscriptions)
                + (home.map { $0.subscriptions + [HomeAssistant.status] } ?? []))
        link = MQTTLink(options, name: context.settings.name, logger: logger)
    }

    package func start() {
        link.start()
        if !context.isTest, upkeep == nil { upkeep = Task { await keep() } }
    }

    package func send(_ parcels: [Parcel]) async -> (delivered: Int, outcome: DeliveryOutcome) {
        link.start()
        var messages: [MQTTMessage] = []
        var ends: [Int] = []
        // What is retained is the other one's while the topic is.
        let isGuest = home != nil && owner.other != nil
        for parcel in parcels {
            if case .messages(let some) = parcel {
                for turn in some.compactMap(\.turn) {
                    if turn.isOn { on.insert(turn.key) } else { on.remove(turn.key) }
                }
                messages += isGuest ? some.filter { !$0.isRetained } : some
            }
            ends.append(messages.count)
        }
        guard !messages.isEmpty else { return (parcels.count, .delivered) }
        let outcome = await link.outcome(of: link.enqueue(messages))
        let delivered = ends.prefix { $0 <= outcome.confirmed }.count
        return (delivered, outcome.problem.map { .failed($0) } ?? .delivered)
    }

    package func close() async {
        upkeep?.cancel()
        await upkeep?.value
        await link.stop()
    }

    /// The name of this machine, without blanks.
    private static let host: String = {
        let plain = ProcessInfo.processInfo.hostName.filter {
            $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0))
        }
        return plain.isEmpty ? "?" : plain
    }()

    private func keep() async {
        var due = ContinuousClock.now + .seconds(Self.look)
        while !Task.isCancelled {
            let arrival = await link.arrivals.next(until: due)
            link.took(arrival)
            switch arrival {
            case .up:
                (found, looks) = ([:], 0)
                owner.begin()
                due = .now + .seconds(Self.look)
                _ = link.enqueue([MQTTMessage(owner.door(owner.own), TopicOwner.echo)])
            case .message(let message) where owner.subscriptions.contains(message.topic):
                await act(owner.see(message))
            case .message(let message) where message.topic == HomeAssistant.status:
                if message.payload == Data("online".utf8) { await describe(anew: true) }
            case .message(let message):
                // What is retained was there before this connection.
                if message.isRetained { found[message.topic] = message.payload }
            case .nothing: break
            }
            // At its times, whatever has come meanwhile.
            guard ContinuousClock.now >= due else { continue }
            due = .now + .seconds(Self.look)
            guard !Task.isCancelled, link.problem == nil else { continue }
            // A broker that lets nobody read there answers nothing.
            await act(owner.wait())
            await describe(anew: false)
        }
    }

    private func act(_ step: TopicOwner.Step) async {
        switch step {
        case .nothing: break
        case .claim:
            let before = conflict.withLock { $0.take() }
            if before != nil {
                logger.notice("the MQTT topic is this notifier's", metadata: ["notifier": "\(context.settings.name)"])
            }
            _ = await hand([
                MQTTMessage(topics.owner, owner.own.payload, isRetained: true),
                MQTTMessage(topics.availability, Data("online".utf8), isRetained: true),
            ])
            await describe(anew: true)
        case .ask(let other): _ = link.enqueue([MQTTMessage(owner.door(other), TopicOwner.question)])
        case .yield(let other):
            let what = other.host == owner.own.host ? "on this machine" : "on \(other.host)"
            let problem =
                "another Watchword \(what) publishes below the topic \"\(topics.prefix)\" at this broker; give each its own"
            conflict.withLock { $0 = problem }
            logger.warning(
                "two notifiers have one MQTT topic",
                metadata: ["notifier": "\(context.settings.name)", "reason": "\(problem)"])
        }
    }

    // MARK: Home Assistant

    /// Tells of what is new and takes away what is gone; `anew`: tells of everything.
    private func describe(anew: Bool) async {
        guard owner.isOwner, let home, let roster = await context.roster.now() else { return }
        let (sensors, areAll) = roster.sensors(context.settings.filter)
        if !areAll, !hasSaidTooMany {
            logger.warning(
                "Home Assistant is told of some queries and streams only; choose by queries, streams or tags",
                metadata: ["notifier": "\(context.settings.name)", "told": "\(sensors.count)"])
        }
        hasSaidTooMany = !areAll
        let keys = Set(sensors.map(\.key))
        // What is gone is still to be taken away, also where everything else is told anew.
        if anew { described = described.filter { !keys.contains($0.key) } } else { looks += 1 }
        guard await remove(home, but: keys) else { return }
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
