import Concurrency
import Foundation
import Journal
package import Logging
import StreamSources
import SystemSupport
import WireFormat

/// A running notifier: reads the journal from its position on, and sends what passes its filter, in order.
///
/// It holds one page of messages and one summary, however many messages wait. All notifiers share one executor, on
/// which none of them blocks.
package actor NotifyFollower {
    private static let executor = QueueExecutor(label: "watchword.notify")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { Self.executor.asUnownedSerialExecutor() }

    package nonisolated let settings: NotifierSettings
    private let target: NotifierTarget
    private let log: any NotifyLog
    private let sender: any NoticeSender
    private let clock: NotifyClock
    private let logger: Logger

    private var place: NotifierPlace
    private var pacing: Pacing
    /// The number up to which every message has been read.
    private var read: Int64
    private var saved: (place: NotifierPlace, at: Double)?
    private var sending: Notice?
    /// Alerts that are to be sent together, and those of them that are sent now.
    private var batch: [Alert] = []
    /// Sensors that are on by what was delivered.
    private var on: Set<SensorKey>
    private var problem: String?
    private var attempts = 0
    private var backoff = Backoff(
        first: .seconds(NotifyFollower.firstPause), max: .seconds(NotifyFollower.longestPause))
    private var (delivered, failures, summarised) = (0, 0, 0)
    private var saidUnread = false

    /// Sensors that are kept in mind: twice as many as there are at most.
    private static let mostOn = 2 * NotifyRoster.mostSensors
    /// The greatest number of messages that are read at once.
    static let page = 128
    /// The least seconds between two saves of the position.
    private static let saving = 1.0
    /// The longest pause between two checks in seconds: while a summary is kept, and while nothing is.
    package static let longestKept = 60.0
    private static let longestIdle = 300.0
    private static let firstPause = 5
    private static let longestPause = 3600.0
    /// The seconds of failures after which a receiver is given up.
    ///
    /// This process must also have made a number of attempts, since a clock that jumps is no failure.
    static let patience = 3 * 86_400.0
    static let leastAttempts = 10

    package init(
        _ settings: NotifierSettings, _ target: NotifierTarget, at place: NotifierPlace, log: any NotifyLog,
        sender: any NoticeSender, clock: NotifyClock, logger: Logger
    ) {
        (self.settings, self.target, self.log, self.sender) = (settings, target, log, sender)
        var place = place
        // What is on is not followed from now on, and would be wrong when it is again.
        if !settings.homeAssistant { (place.on, place.isUnsure) = (nil, nil) }
        (self.clock, self.logger, self.place, read) = (clock, logger, place, place.seq)
        on = settings.homeAssistant ? Set(place.on ?? []) : []
        pacing = Pacing(settings, window: (place.windowStart, place.windowSent))
    }

    /// Reads and sends until the task is cancelled, or the receiver is given up.
    package func run() async {
        if place.end == nil { await sender.start() }
        while !Task.isCancelled, place.end == nil {
            do {
                try await step()
                saidUnread = false
            } catch {
                if !saidUnread { logger.error("a notifier cannot read the journal", metadata: meta("\(error)")) }
                saidUnread = true
                await clock.sleep(5)
            }
        }
        await save()
        await sender.close()
    }

    private func step() async throws {
        if place.isUnsure == true {
            guard try await turnOffGone() else { return }
            place.isUnsure = nil
        }
        let page = try await log.read(after: read, limit: Self.page)
        for item in page.items {
            guard try await take(item) else { return }
            read = max(read, item.last)
            await keepPlace()
        }
        guard await flush() else { return }
        let isNew = !page.items.isEmpty || page.through > read
        read = max(read, page.through)
        if isNew { return }
        if pacing.isDue(now: clock.now()) {
            _ = await deliverSummary()
            return
        }
        await keepPlace()
        let now = clock.now()
        var pause = pacing.nextLook(now: now).map { min(max($0 - now, 0.1), Self.longestKept) } ?? Self.longestIdle
        if let saved, saved.place != place { pause = min(pause, max(saved.at + Self.saving - now, 0.05)) }
        await log.wait(after: read, seconds: pause)
    }

    /// Handles one message or hole; returns false if it must be handled again later.
    private func take(_ item: NotifyPage.Item) async throws -> Bool {
        switch item {
        case .hole(let hole):
            guard await flush(), try await turnOffGone() else { return false }
            pacing.take(hole)
            return true
        case .entry(let entry):
            guard let alert = Alert(entry), settings.filter.isAbout(alert.message) else { return true }
            return settings.filter.passes(alert.message) ? await take(alert) : await turnOff(alert)
        }
    }

    private func take(_ alert: Alert) async -> Bool {
        while true {
            var next = pacing
            let step = next.take(alert, now: clock.now(), ahead: batch.count)
            // What comes before it is delivered before it is decided on.
            if step != .send, !batch.isEmpty {
                guard await flush() else { return false }
                continue
            }
            pacing = next
            switch step {
            case .kept: return await turnOff(alert)
            case .summaryFirst: guard await deliverSummary() else { return false }
            case .send:
                batch.append(alert)
                return batch.count < sender.window ? true : await flush()
            }
        }
    }

    /// Delivers what is to be sent together; false if some of it is to be looked at again.
    private func flush() async -> Bool {
        guard let first = batch.first else { return true }
        defer { batch = [] }
        let before = read
        switch await deliver(batch.map { .alert($0) }) {
        case .delivered: return true
        case .late, .stopped:
            // From the first that is not delivered on.
            read = min(before, (batch.first ?? first).seq - 1)
            return false
        }
    }

    /// Ends a sensor whose event has ended without being told.
    private func turnOff(_ alert: Alert) async -> Bool {
        guard alert.message.phase == "end" else { return true }
        // The start may stand in the batch still.
        if batch.contains(where: { $0.key == alert.key }) { guard await flush() else { return false } }
        guard on.contains(alert.key) else { return true }
        guard await flush() else { return false }
        return await deliver([.ended(alert)]) == .delivered
    }

    /// Ends sensors without an event that goes on: its end was among messages that are gone.
    private func turnOffGone() async throws -> Bool {
        guard !on.isEmpty else { return true }
        for key in on.subtracting(try await log.open()).sorted() {
            guard await deliver([.off(key)]) == .delivered else { return false }
        }
        return true
    }

    private func deliverSummary() async -> Bool {
        guard let summary = pacing.kept else { return true }
        guard await deliver([.summary(summary)]) == .delivered else { return false }
        summarised += summary.alerts
        pacing.sent(isSummary: true, now: clock.now())
        await keepPlace()
        return true
    }

    // MARK: Delivery

    private enum Delivery {
        case delivered
        /// The alert has become older than `catch_up` since the first attempt.
        case late
        /// The task was cancelled, or the receiver was given up.
        case stopped
    }

    /// Sends notices until the receiver has all of them; what it has is no longer in the batch.
    private func deliver(_ notices: [Notice]) async -> Delivery {
        var left = notices[...]
        defer { sending = nil }
        while let first = left.first, !Task.isCancelled {
            sending = first
            // After a failure one is tried alone, so that those behind it do not go out again and again.
            let (count, outcome) = await attempt(attempts > 0 ? left.prefix(1) : left)
            for notice in left.prefix(count) { succeeded(notice) }
            left = left.dropFirst(count)
            await keepPlace()
            switch outcome {
            case .delivered: break
            case .gone:
                failures += 1
                problem = "the receiver answers 410: it wants no more"
                return end(.gone)
            case .failed(let why, let retryAfter, _):
                if Task.isCancelled { return .stopped }
                guard await failed(why) else { return end(.dead) }
                if case .alert(let alert)? = left.first, clock.now() - alert.time > settings.catchUp { return .late }
                let pause = min(backoff.next(chance: clock.chance()) / .seconds(1), sender.longestPause)
                await clock.sleep(min(max(pause, retryAfter ?? 0), Self.longestPause))
            }
        }
        return left.isEmpty ? .delivered : .stopped
    }

    private func attempt(_ notices: ArraySlice<Notice>) async -> (delivered: Int, outcome: DeliveryOutcome) {
        let context = NoticeContext(
            journal: log.identity, notifier: settings.name, chat: settings.chat, now: clock.now())
        var parcels: [Parcel] = []
        for notice in notices {
            do {
                parcels.append(try Parcel(notice, settings, target, context, picture: await picture(of: notice)))
            } catch {
                if parcels.isEmpty { return (0, .failed("the message cannot be written: \(error)")) }
                break
            }
        }
        return await sender.send(parcels)
    }

    private func picture(of notice: Notice) async -> Data? {
        guard settings.picture, case .alert(let alert) = notice, alert.message.phase != "update",
            alert.message.snapshot != nil
        else { return nil }
        return await log.picture(of: alert.message.event)
    }

    private func succeeded(_ notice: Notice) {
        delivered += 1
        switch notice {
        case .alert(let alert):
            batch.removeAll { $0.seq <= alert.seq }
            pacing.sent(isSummary: false, now: clock.now())
            turned(alert)
        case .ended(let alert): turned(alert)
        case .off(let key):
            on.remove(key)
            place.on = on.isEmpty ? nil : on.sorted()
        case .summary, .test: break
        }
        attempts = 0
        backoff.reset()
        guard place.failingSince != nil || problem != nil else { return }
        logger.notice("a notifier delivers again", metadata: meta())
        (place.failingSince, problem) = (nil, nil)
    }

    /// Keeps in mind which sensors are on.
    private func turned(_ alert: Alert) {
        guard settings.homeAssistant else { return }
        switch alert.message.phase {
        case "start" where on.count < Self.mostOn: on.insert(alert.key)
        case "end": on.remove(alert.key)
        default: break
        }
        place.on = on.isEmpty ? nil : on.sorted()
    }

    /// Counts a failed attempt; returns false if the receiver is to be given up.
    private func failed(_ why: String) async -> Bool {
        failures += 1
        attempts += 1
        if problem == nil { logger.warning("a notifier cannot deliver, and tries again", metadata: meta(why)) }
        problem = why
        let now = clock.now()
        let since = min(place.failingSince ?? now, now)
        if place.failingSince != since {
            place.failingSince = since
            await save()
        }
        return now - since < Self.patience || attempts < Self.leastAttempts
    }

    private func end(_ how: NotifierPlace.End) -> Delivery {
        place.end = how
        switch how {
        case .gone: logger.error("a notifier is disabled: its receiver answers 410", metadata: meta())
        case .dead:
            logger.error(
                "a notifier is dead: nothing was delivered for three days; `watchword notify resume` goes on",
                metadata: meta(problem))
        }
        return .stopped
    }

    // MARK: Its place

    /// Saves the position, at most once a second.
    private func keepPlace() async {
        place.seq =
            [pacing.kept.map { $0.first - 1 }, batch.first.map { $0.seq - 1 }, read].compactMap { $0 }.min() ?? read
        (place.windowStart, place.windowSent) = (pacing.window.start, pacing.window.sent)
        let now = clock.now()
        if let saved, now >= saved.at, now < saved.at + Self.saving { return }
        await save()
    }

    private func save() async {
        guard saved?.place != place else { return }
        let written = place
        do {
            try await log.save(place: JSONEncoder().encode(written), of: settings.name)
        } catch {
            logger.debug("a notifier's place is not kept", metadata: meta("\(error)"))
        }
        // What cannot be written now is tried again with the next change.
        saved = (written, clock.now())
    }

    private func meta(_ why: String? = nil) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["notifier": "\(settings.name)", "host": "\(target.url.host)"]
        if let why { metadata["reason"] = "\(why)" }
        return metadata
    }

    // MARK: Seen from outside

    package func status() -> NotifierStatus {
        let now = clock.now()
        // Of a connection that is kept, also while there is nothing to send.
        let problem = problem ?? (place.end == nil ? sender.problem : nil)
        let state: NotifierStatus.State =
            switch place.end {
            case .gone?: .gone
            case .dead?: .dead
            case nil where problem != nil || place.failingSince != nil: .failing
            case nil: sending != nil || !batch.isEmpty ? .sending : pacing.kept != nil ? .keeping : .idle
            }
        let oldest = [sending?.oldest, batch.first?.time, pacing.kept?.times?.lowerBound].compactMap { $0 }.min()
        let unread = Int(clamping: max(0, log.newest - read)) + batch.count
        return NotifierStatus(
            name: settings.name, format: settings.format.rawValue, host: target.url.host, source: settings.source,
            state: state, problem: problem, failingFor: place.failingSince.map { max(0, now - $0) },
            delivered: delivered, failures: failures, summarised: summarised,
            waiting: unread + (pacing.kept?.alerts ?? 0), oldest: oldest.map { max(0, now - $0) } ?? 0, seq: place.seq)
    }
}
