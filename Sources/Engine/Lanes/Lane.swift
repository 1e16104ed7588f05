import Foundation
import Matching
import Pixels
import Sampling
import WireFormat

/// A lane: the engine's state of one stream, or of one region of its picture, with its window and open events.
///
/// It has state only for queries with a match, event or cooldown in progress. So a million other queries cost nothing
/// in a window that they do not match. Not Sendable: only the engine uses it.
final class Lane {
    /// The state of a query with a match, an open event or a cooldown in progress.
    struct Motion {
        var tracker: EventTracker
        /// The identifier of the open event; empty if none is open, or if the query's group has the event.
        var event = ""
        fileprivate var snapshot = Snapshot()
    }

    /// The common event of a group of queries, with its identifier and picture.
    private struct GroupAlert {
        var group = EventGroup()
        var event = ""
        var snapshot = Snapshot()
    }

    let name: String
    let labels: [String]
    private(set) var window: FrameWindow
    /// The pictures of this lane's newest frames, oldest first; empty if windows are never scored again in float32.
    private var pictures: [HeldPicture] = []
    private(set) var health = PictureHealth.good
    /// The states of learnt thresholds on this stream or region, by the query's number.
    var calibrations: [Slot: Calibration] = [:]
    var changedCalibrations: Set<Slot> = []
    var histories: [GroupKey: WindowHistory] = [:]
    private var time = LaneClock()
    var clock: Double { time.now }
    private var hasLost = false
    private var motion: [GroupKey: [Slot: Motion]] = [:]
    private var alerts: [String: GroupAlert] = [:]
    /// The ends of past events of queries and groups of queries without an event now; a cooldown may still run.
    private var lastEnds: LastEnds

    init(_ name: String, labels: [String], window: FrameWindow, lastEnds: LastEnds = LastEnds()) {
        self.name = name
        self.lastEnds = lastEnds
        self.labels = labels
        self.window = window
    }

    func saw(_ health: PictureHealth) { self.health = health }

    // MARK: Frames

    /// Adds a frame to the window; with 3D patches, also completes the previous frame's embeddings.
    func slide(by frame: EmbeddedFrame, _ embeddings: FrameEmbeddings) {
        if let (inner, first) = embeddings.completed { window.complete(inner: inner, first: first) }
        window.append(embeddings.newest, mediaTime: frame.mediaTime, wallClock: frame.wallClock)
        if let held = embeddings.held {
            pictures.append(held)
            if pictures.count > window.capacity { pictures.removeFirst() }
        }
    }

    /// Removes all frames from the window, since the next frame does not continue them.
    func clearWindow() {
        window.clear()
        pictures = []
    }

    /// Removes all frames from the window, and records that frames were lost.
    func lose() {
        clearWindow()
        hasLost = true
    }

    /// Returns true if frames were lost since the last call.
    func takeLoss() -> Bool {
        defer { hasLost = false }
        return hasLost
    }

    /// Enlarges or shrinks the frame buffer for windows of `capacity` frames; the newest frames are kept.
    func fitWindow(to capacity: Int) {
        window.resize(to: capacity)
        if pictures.count > capacity { pictures = Array(pictures.suffix(capacity)) }
    }

    /// Returns the kept pictures of the newest `frames` frames, oldest first.
    func pictures(ofLast frames: Int) -> [HeldPicture] { pictures.suffix(frames) }

    // MARK: Time

    /// Advances the clock of this stream or region to the end of a window.
    func advance(to span: WindowSpan) { time.advance(media: span.mediaEnd, wall: span.wallEnd) }

    func isInMotion(_ slot: Slot, _ key: GroupKey) -> Bool { motion[key]?[slot] != nil }
    func inMotion(_ key: GroupKey) -> [Slot] { motion[key].map { Array($0.keys) } ?? [] }
    /// The state of all queries on this stream or region together: event or match in progress, only cooldowns, or none.
    var rest: Replay.Rest {
        guard alerts.isEmpty else { return .busy }
        let trackers = motion.values.lazy.flatMap(\.values).map(\.tracker)
        if trackers.isEmpty { return .idle }
        return trackers.allSatisfy(\.isCooling) ? .cooling : .busy
    }

    /// Returns the event tracker of a query; nil if it has no match, event or cooldown in progress.
    func tracker(of standing: RegisteredQuery) -> EventTracker? { motion[standing.key]?[standing.slot]?.tracker }
    func alert(of group: String) -> EventGroup? { alerts[group]?.group }

    // MARK: Events

    /// Applies a query's decision about the next window to its event, and returns the messages that result.
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
        var detections: [Detection] = []
        for transition in transitions where group == nil {
            if transition.phase == .start { now.event = ULID.make() }
            detections.append(
                Detection(
                    event: now.event, query: standing.query, stream: name, transition: transition, model: model,
                    snapshot: now.snapshot.news()))
        }
        if let group, alerts[group] == nil, now.tracker.isOpen { alerts[group] = goingOn(group) }
        if !now.tracker.isOpen { now.snapshot = Snapshot() }
        motion[standing.key, default: [:]][standing.slot] = now.tracker.isIdle ? nil : now
        return detections
    }

    /// Returns a new event state of a group of queries, with the cooldown (pause) that follows its last event.
    private func goingOn(_ group: String) -> GroupAlert {
        guard let last = lastEnds.take(group: group) else { return GroupAlert() }
        return GroupAlert(group: EventGroup(after: last.end, cooldown: last.cooldown))
    }

    /// Updates the events of all groups of queries, after all windows that end with a frame were judged.
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
        var detections: [Detection] = []
        for name in alerts.keys.sorted() {
            guard var alert = alerts[name] else { continue }
            let open = (members[name] ?? []).sorted { $0.id < $1.id }
            for news in alert.group.observe(open, span: span) {
                detections += self.detections(news, &alert, book, model: model)
            }
            alerts[name] = alert.group.isIdle ? nil : alert
        }
        return detections
    }

    /// Returns the detection for a message of a group of queries, with a picture if it has changed.
    private func detections(
        _ news: EventGroup.Message, _ alert: inout GroupAlert, _ book: QueryBook, model: String
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

    /// Ends all open events, because the stream ended, jumped or was removed; returns their end messages.
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
            if let news = alert.group.close() { ended += detections(news, &alert, book, model: model) }
            alerts[name] = alert.group.isIdle ? nil : alert
        }
        return ended.sorted { $0.query.id < $1.query.id }
    }

    /// Ends the event of a query that is removed or no longer active; returns the end messages.
    ///
    /// Call it while `book` still has the query.
    func drop(_ standing: RegisteredQuery, _ book: QueryBook, model: String) -> [Detection] {
        var now = motion[standing.key]?.removeValue(forKey: standing.slot)
        var ended = now.flatMap { close(standing, $0, model: model) }.map { [$0] } ?? []
        _ = now?.tracker.close()
        if let tracker = now?.tracker { note(standing, tracker) }
        if let group = standing.query.settings.group, var alert = alerts[group],
            alert.group.leader == standing.query.id
        {
            if let news = alert.group.loseLeader() { ended += detections(news, &alert, book, model: model) }
            alerts[group] = alert.group.isIdle ? nil : alert
        }
        return ended
    }

    /// Forgets the past windows of a group of queries that are scored together; call this when it has no query left.
    func forget(_ key: GroupKey) {
        histories[key] = nil
        motion[key] = nil
    }

    // MARK: State that outlives a query's edit, a stream or this process

    /// Removes and returns a query's match, event and cooldown, so that the query's new version can continue them.
    func take(_ standing: RegisteredQuery) -> Motion? { motion[standing.key]?.removeValue(forKey: standing.slot) }

    /// Gives a query the match, event and cooldown that were taken from its old version.
    func put(_ taken: Motion, _ standing: RegisteredQuery) {
        var taken = taken
        taken.tracker.adopt(standing.policy)
        motion[standing.key, default: [:]][standing.slot] = taken
    }

    /// Removes and returns the ends of past events whose cooldowns may still run; call this after `close`.
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

    /// Removes the stored end of a query's last event, since the query was removed for good.
    func forgetLastEnd(of query: String) { _ = lastEnds.take(query: query) }

    /// Removes the event and cooldown of a group that has no query left.
    func forget(group: String) {
        alerts[group] = nil
        _ = lastEnds.take(group: group)
    }

    /// Ends the event of a query; nil if none is open, or if the query belongs to a group, which has the event.
    private func close(_ standing: RegisteredQuery, _ now: Motion, model: String) -> Detection? {
        var now = now
        guard standing.query.settings.group == nil, let end = now.tracker.close() else { return nil }
        return Detection(
            event: now.event, query: standing.query, stream: name, transition: end, model: model,
            snapshot: now.snapshot.news())
    }
}

/// A frame's picture for people to look at; it is compressed to JPEG when an event first needs it.
final class Still {
    private let preview: Preview?
    private(set) lazy var jpeg = preview?.jpeg()

    init(_ preview: Preview?) { self.preview = preview }
}

/// The picture of an event's best-scored frame, and whether it was sent already.
private struct Snapshot {
    var jpeg: Data?
    private var sent: Data?
    private var peak = -Float.infinity

    /// Stores the frame's picture if the window that ends with this frame is the event's best so far.
    mutating func see(_ event: EventTracker.Transition, _ still: Still, _ span: WindowSpan) {
        guard event.peak.mediaTime == span.mediaEnd, event.peak.score > peak || jpeg == nil else { return }
        peak = event.peak.score
        jpeg = still.jpeg ?? jpeg
    }

    /// Returns the picture once after each change; nil if it was already returned.
    mutating func news() -> Data? {
        guard let jpeg, jpeg != sent else { return nil }
        sent = jpeg
        return jpeg
    }
}
