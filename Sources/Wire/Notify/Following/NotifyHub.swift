import Concurrency
import Foundation
package import Logging
import StreamSources

/// All notifiers of a daemon; each is its own task, and waits for no other.
package actor NotifyHub {
    /// A notifier whose files have been read.
    package struct Prepared: Sendable {
        package let settings: NotifierSettings
        let target: NotifierTarget
        package var name: String { settings.name }
    }

    private struct Running {
        let prepared: Prepared
        let follower: NotifyFollower
        let task: Task<Void, Never>
    }

    private let log: any NotifyLog
    private let clock: NotifyClock
    private let logger: Logger
    private let makeSender: @Sendable (SenderContext) -> any NoticeSender
    /// Which streams and queries there are, once that is known.
    package nonisolated let roster = RosterSource()
    /// The running notifiers, in the configuration's order.
    private var running: [Running] = []
    /// Runs changes of `running` one after the other, since each reads positions and waits for notifiers to end.
    private let turns = SerialTaskQueue()
    /// The notifiers of the last request; nil once all have been stopped.
    private var wanted: [Prepared]? = []
    /// Names of others whose places are kept, too; nil: every place is.
    private var spared: Set<String>? = []
    private var again: Task<Void, Never>?

    package init(
        log: any NotifyLog, clock: NotifyClock = .system, logger: Logger,
        sender: (@Sendable (SenderContext) -> any NoticeSender)? = nil
    ) {
        (self.log, self.clock, self.logger) = (log, clock, logger)
        makeSender = sender ?? { Notify.makeSender($0, logger: logger) }
    }

    /// Reads the files of notifiers; throws on what cannot be used.
    package static func prepare(_ settings: [NotifierSettings]) throws(NotifyError) -> [Prepared] {
        var prepared: [Prepared] = []
        for one in settings { prepared.append(Prepared(settings: one, target: try NotifierTarget(one))) }
        return prepared
    }

    /// Starts new notifiers, ends removed ones, and leaves unchanged ones alone.
    ///
    /// If positions cannot be read, nothing is started, and it is tried again: a notifier that began elsewhere would
    /// lose unsent alerts. `spared`: names of notifiers that do not run now and keep their places;
    /// nil: all do.
    package func apply(_ prepared: [Prepared], keeping spared: Set<String>? = []) async {
        guard wanted != nil else { return }
        (wanted, self.spared) = (prepared, spared)
        try? await turns.take { [self] in await change() }
    }

    private func change() async {
        guard let prepared = wanted else { return }
        again?.cancel()
        var places: [String: Data]
        do { places = try await log.places() } catch {
            logger.error(
                "notifiers wait: where they are cannot be read", metadata: ["reason": "\(error)"])
            again = Task { [clock] in
                await clock.sleep(Self.pause)
                guard !Task.isCancelled else { return }
                try? await turns.take { [self] in await change() }
            }
            return
        }
        var kept: [Running] = []
        for old in running {
            let isSame = prepared.contains { $0.isLike(old.prepared) }
            if isSame { kept.append(old) } else { await Self.end(old) }
        }
        // Those that ended may have gone further meanwhile: what they wrote last counts.
        if kept.count < running.count, let last = try? await log.places() { places = last }
        let names = spared.map { $0.union(prepared.map(\.name)) }
        let gone = places.keys.filter { names?.contains($0) == false }
        if !gone.isEmpty { try? await log.remove(places: gone) }
        running = prepared.map { wanted in
            kept.first { $0.prepared.settings.name == wanted.settings.name }
                ?? start(wanted, places[wanted.settings.name])
        }
    }

    /// The seconds after which unreadable positions are read again.
    private static let pause = 5.0

    private func start(_ prepared: Prepared, _ data: Data?, resuming: Bool = false) -> Running {
        var (place, note) = NotifierPlace.found(data, log, target: prepared.target.fingerprint)
        if resuming { (place.end, place.failingSince) = (nil, nil) }
        let metadata: Logger.Metadata = ["notifier": "\(prepared.settings.name)"]
        if let note { logger.warning("\(note)", metadata: metadata) }
        if let end = place.end {
            logger.warning(
                "a notifier is \(end.rawValue) since an earlier run; `watchword notify resume` starts it again",
                metadata: metadata)
        }
        let follower = NotifyFollower(
            prepared.settings, prepared.target, at: place, log: log,
            sender: makeSender(context(prepared, on: place.on ?? [])), clock: clock, logger: logger)
        return Running(prepared: prepared, follower: follower, task: Task { await follower.run() })
    }

    private func context(_ prepared: Prepared, on: [SensorKey] = [], isTest: Bool = false) -> SenderContext {
        SenderContext(
            settings: prepared.settings, target: prepared.target, journal: log.identity, isTest: isTest, on: Set(on),
            roster: roster)
    }

    private static func end(_ running: Running) async {
        running.task.cancel()
        await running.task.value
    }

    /// Ends all notifiers; their positions are saved.
    package func stop() async {
        wanted = nil
        again?.cancel()
        // What is being changed is there before it is ended.
        try? await turns.take {}
        for one in running { one.task.cancel() }
        for one in running { await one.task.value }
        running = []
    }

    package func status() async -> [NotifierStatus] {
        var all: [NotifierStatus] = []
        for one in running { all.append(await one.follower.status()) }
        return all
    }

    /// Sends a test message now, independent of the notifier's other work; returns nil if there is no such notifier.
    package func test(_ name: String, id: String) async throws -> DeliveryOutcome? {
        guard let one = running.first(where: { $0.prepared.settings.name == name })?.prepared else { return nil }
        let parcel = try Parcel(
            .test(id: id), one.settings, one.target,
            NoticeContext(journal: log.identity, notifier: name, chat: one.settings.chat, now: clock.now()))
        let sender = makeSender(context(one, isTest: true))
        let outcome = await sender.send([parcel]).outcome
        await sender.close()
        return outcome
    }

    /// Restarts a notifier that was given up, from its position; returns false if there is no such notifier.
    package func resume(_ name: String) async throws -> Bool {
        try await turns.take { [self] in try await restart(name) }
    }

    private func restart(_ name: String) async throws -> Bool {
        guard wanted != nil, let index = running.firstIndex(where: { $0.prepared.settings.name == name }) else {
            return false
        }
        let places = try await log.places()
        let old = running[index]
        await Self.end(old)
        // It may have gone further meanwhile: what it wrote last counts.
        let place = (try? await log.places())?[name] ?? places[name]
        running[index] = start(old.prepared, place, resuming: true)
        return true
    }
}

extension NotifyHub.Prepared {
    /// Whether it is the same in all that it does.
    package func isLike(_ other: NotifyHub.Prepared) -> Bool {
        settings == other.settings && target == other.target
    }

    /// Why it can never connect, where its address says so; nil if it may.
    ///
    /// What a name stands for is found when it is connected to.
    package var refusal: String? {
        guard let address = NetworkAddress(target.url.host),
            case .failure(let problem) = ReachRule(settings).choose([address], of: target.url.host)
        else { return nil }
        return problem.description
    }
}
