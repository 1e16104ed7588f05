import Foundation
import Matching
import Pixels
import Sampling
import WireFormat

/// A lane of the engine: the frames of one stream or region, with the events in progress.
///
/// Not Sendable: it belongs to the engine. Only queries in motion have a tracker here. Of a million other queries, none
/// costs anything in a window that does not match it.
final class Lane {
    /// The state of a query in motion: a match has begun, an event is open, or a cooldown runs.
    struct Motion {
        var tracker: EventTracker
        /// The identifier of the open event; empty for members of a group.
        var event = ""
        fileprivate var snapshot = Snapshot()
    }

    /// The alert of a group of queries.
    private struct GroupAlert {
        var group = EventGroup()
        var event = ""
        var snapshot = Snapshot()
    }

    let name: String
    let labels: [String]
    private(set) var window: FrameWindow
    /// The pictures of the window's frames, oldest first; empty if windows are never scored again.
    private var pictures: [HeldPicture] = []
    private(set) var health = PictureHealth.good
    /// The calibrations of queries with a budget, by slot.
    var calibrations: [Slot: Calibration] = [:]
    var changedCalibrations: Set<Slot> = []
    var histories: [GroupKey: WindowHistory] = [:]
    private var time = LaneClock()
    var clock: Double { time.now }
    private var hasLost = false
    private var motion: [GroupKey: [Slot: Motion]] = [:]
    private var alerts: [String: GroupAlert] = [:]
    /// The ends of events whose query or group is idle, but whose cooldown may still run.
    private var lastEnds: LastEnds

    init(_ name: String, labels: [String], window: FrameWindow, lastEnds: LastEnds = LastEnds()) {
        self.name = name
        self.lastEnds = lastEnds
        self.labels = labels
        self.window = window
    }

    func saw(_ health: PictureHealth) { self.health = health }

    // MARK: Frames

    /// Slides the window by a frame.
    func slide(by frame: EmbeddedFrame, _ embeddings: FrameEmbeddings) {
        if let (inner, first) = embeddings.completed { window.complete(inner: inner, first: first) }
        window.append(embeddings.newest, mediaTime: frame.mediaTime, wallClock: frame.wallClock)
        if let held = embeddings.held {
            pictures.append(held)
            if pictures.count > window.capacity { pictures.removeFirst() }
        }
    }

    /// Clears the window: the next frame does not continue it.
    func clearWindow() {
        window.clear()
        pictures = []
    }

    /// Clears the window and records that frames were lost.
    func lose() {
        clearWindow()
        hasLost = true
    }

    /// Returns whether frames were lost since the last call.
    func takeLoss() -> Bool {
        defer { hasLost = false }
        return hasLost
    }

    /// Makes room for longer windows.
    func growWindow(to capacity: Int) { window.grow(to: capacity) }

    /// The pictures of the newest `frames` frames, oldest first.
    func pictures(ofLast frames: Int) -> [HeldPicture] { pictures.suffix(frames) }

    // MARK: Time

    /// Advances the lane's clock to the end of a window.
    func advance(to span: WindowSpan) { time.advance(media: span.mediaEnd, wall: span.wallEnd) }

    func isInMotion(_ slot: Slot, _ key: GroupKey) -> Bool { motion[key]?[slot] != nil }
    func inMotion(_ key: GroupKey) -> [Slot] { motion[key].map { Array($0.keys) } ?? [] }
    /// The state of all queries together: busy, cooling or idle.
    var rest: Replay.Rest {
        guard alerts.isEmpty else { return .busy }
        let trackers = motion.values.lazy.flatMap(\.values).map(\.tracker)
        if trackers.isEmpty { return .idle }
        return trackers.allSatisfy(\.isCooling) ? .cooling : .busy
    }

    /// The tracker of a query, to explain why it has no event; nil if the query is not in motion.
    func tracker(of standing: RegisteredQuery) -> EventTracker? { motion[standing.key]?[standing.slot]?.tracker }
    func alert(of group: String) -> EventGroup? { alerts[group]?.group }

    // MARK: Events

    /// Adds a query's judgement of the next window; nil if the window was not scored.
    func observe(
        _ standing: RegisteredQuery, _ judgement: Judgement, _ span: WindowSpan, _ still: Still, model: String
    ) -> [Detection] {
        let value = judgement.value
        var moving = motion[standing.key]?[standing.slot]
        if moving == nil {
            guard let value, value >= judgement.threshold else { return [] }
            let end = lastEnds.take(query: standing.query.id)
            moving = Motion(tracker: EventTracker(standing.policy, after: end))
        }
        guard var now = moving else { return [] }
        let group = standing.query.settings.group
        let transitions = now.tracker.observe(value, threshold: judgement.threshold, span: span)
        if let open = now.tracker.current, standing.query.settings.snapshot { now.snapshot.see(open, still, span) }
        var told: [Detection] = []
        for transition in transitions where group == nil {
            if transition.phase == .start { now.event = ULID.make() }
            told.append(
                Detection(
                    event: now.event, query: standing.query, stream: name, transition: transition, model: model,
                    snapshot: now.snapshot.news()))
        }
        if let group, alerts[group] == nil, now.tracker.isOpen { alerts[group] = goingOn(group) }
        if !now.tracker.isOpen { now.snapshot = Snapshot() }
        motion[standing.key, default: [:]][standing.slot] = now.tracker.isIdle ? nil : now
        return told
    }

    /// The alert of a group, continued from its last event's end.
    private func goingOn(_ group: String) -> GroupAlert {
        guard let last = lastEnds.take(group: group) else { return GroupAlert() }
        return GroupAlert(group: EventGroup(after: last.end, cooldown: last.cooldown))
    }

    /// Updates the groups' alerts, after all windows of a frame were judged.
    func settle(_ span: WindowSpan, _ book: QueryBook, model: String) -> [Detection] {
        guard !alerts.isEmpty else { return [] }
        var members: [String: [EventGroup.Member]] = [:]
        for moving in motion.values {
            for (slot, now) in moving {
                guard let query = book[slot]?.query, let group = query.settings.group, let open = now.tracker.current
                else { continue }
                members[group, default: []].append(
                    EventGroup.Member(
                        id: query.id, priority: query.settings.priority, policy: query.settings.policy, event: open))
            }
        }
        var told: [Detection] = []
        for name in alerts.keys.sorted() {
            guard var alert = alerts[name] else { continue }
            let open = (members[name] ?? []).sorted { $0.id < $1.id }
            for news in alert.group.observe(open, span: span) {
                told += tell(news, &alert, book, model: model)
            }
            alerts[name] = alert.group.isIdle ? nil : alert
        }
        return told
    }

    private func tell(
        _ news: EventGroup.Told, _ alert: inout GroupAlert, _ book: QueryBook, model: String
    ) -> [Detection] {
        guard let leader = book[news.leader] else { return [] }
        if news.transition.phase == .start {
            alert.event = ULID.make()
            alert.snapshot = Snapshot()
        }
        let member = book[news.member].flatMap { motion[$0.key]?[$0.slot]?.snapshot.jpeg }
        let isNews = member != nil && member != alert.snapshot.jpeg
        if isNews { alert.snapshot.jpeg = member }
        return [
            Detection(
                event: alert.event, query: leader.query, stream: name, transition: news.transition, model: model,
                snapshot: isNews ? member : nil)
        ]
    }

    /// Ends all open events, because the stream ended, jumped or was removed.
    func close(_ book: QueryBook, model: String) -> [Detection] {
        var ended: [Detection] = []
        for (key, moving) in motion {
            for (slot, now) in moving {
                guard let standing = book[slot] else { continue }
                ended += close(standing, now, model: model).map { [$0] } ?? []
                var later = now
                later.event = ""
                later.snapshot = Snapshot()
                _ = later.tracker.close()
                motion[key]?[slot] = later.tracker.isIdle ? nil : later
            }
        }
        for (name, now) in alerts {
            var alert = now
            if let news = alert.group.close() { ended += tell(news, &alert, book, model: model) }
            alerts[name] = alert.group.isIdle ? nil : alert
        }
        return ended.sorted { $0.query.id < $1.query.id }
    }

    /// Ends the events of a query that is no longer watched or is removed, while the book still has it.
    func drop(_ standing: RegisteredQuery, _ book: QueryBook, model: String) -> [Detection] {
        var now = motion[standing.key]?.removeValue(forKey: standing.slot)
        var ended = now.flatMap { close(standing, $0, model: model) }.map { [$0] } ?? []
        _ = now?.tracker.close()
        if let tracker = now?.tracker { note(standing, tracker) }
        if let group = standing.query.settings.group, var alert = alerts[group],
            alert.group.leader == standing.query.id
        {
            if let news = alert.group.close() { ended += tell(news, &alert, book, model: model) }
            alerts[group] = alert.group.isIdle ? nil : alert
        }
        return ended
    }

    // MARK: What outlives a query's edit, a stream's and this process

    /// Removes and returns a query's match, event and cooldown, so that another query can continue them.
    func take(_ standing: RegisteredQuery) -> Motion? { motion[standing.key]?.removeValue(forKey: standing.slot) }

    /// Continues the state taken from the query that this one replaces.
    func put(_ taken: Motion, _ standing: RegisteredQuery) {
        var taken = taken
        taken.tracker.adopt(standing.policy)
        motion[standing.key, default: [:]][standing.slot] = taken
    }

    /// Returns the ends of the last events whose cooldowns may still run, once all are closed.
    func takeLastEnds(_ book: QueryBook) -> LastEnds {
        for moving in motion.values {
            for (slot, now) in moving { book[slot].map { note($0, now.tracker) } }
        }
        for (name, alert) in alerts {
            guard let last = alert.group.last, last.cooldown > 0 else { continue }
            lastEnds.note(group: name, last.end, cooldown: last.cooldown)
        }
        defer { lastEnds = LastEnds() }
        return lastEnds
    }

    private func note(_ standing: RegisteredQuery, _ tracker: EventTracker) {
        guard standing.policy.cooldown > 0, let end = tracker.lastEnd else { return }
        lastEnds.note(query: standing.query.id, end)
    }

    /// Forgets the last event's end of a query that was removed for good.
    func forgetLastEnd(of query: String) { _ = lastEnds.take(query: query) }

    /// Ends a query's own event; nil if none is open, or if the query is a member of a group.
    private func close(_ standing: RegisteredQuery, _ now: Motion, model: String) -> Detection? {
        var now = now
        guard standing.query.settings.group == nil, let end = now.tracker.close() else { return nil }
        return Detection(
            event: now.event, query: standing.query, stream: name, transition: end, model: model,
            snapshot: now.snapshot.news())
    }
}

/// A frame's picture for people, compressed when the first event needs it.
final class Still {
    private let preview: Preview?
    private(set) lazy var jpeg = preview?.jpeg()

    init(_ preview: Preview?) { self.preview = preview }
}

/// The picture of an event's peak.
private struct Snapshot {
    var jpeg: Data?
    private var told: Data?
    private var peak = -Float.infinity

    /// Keeps the frame's picture if the event's peak is in the window that ends with it.
    mutating func see(_ event: EventTracker.Transition, _ still: Still, _ span: WindowSpan) {
        guard event.peak.mediaTime == span.mediaEnd, event.peak.score > peak || jpeg == nil else { return }
        peak = event.peak.score
        jpeg = still.jpeg ?? jpeg
    }

    /// Returns the picture once after each change; nil if it was sent already.
    mutating func news() -> Data? {
        guard let jpeg, jpeg != told else { return nil }
        told = jpeg
        return jpeg
    }
}
