/// The common event of a group of queries on one lane (a stream or region), so that similar queries give one alert.
///
/// Its event starts with the first member's event and ends with the last member's. The member of the highest priority
/// leads; of several, the one with the greatest margin over its threshold. The event keeps the leader's name until it
/// ends. If another member's peak exceeds the event's in score and in margin, it becomes the event's peak.
///
/// Members have no cooldown (`EventPolicy.ofMember`); the group has the longest cooldown of the members that took part.
package struct EventGroup: Sendable {
    /// A query of the group that has an open event of its own.
    package struct Member: Sendable {
        package let id: String
        package let priority: Int
        package let policy: EventPolicy
        /// The member's open event, from `EventTracker.current`.
        package let event: EventTracker.Transition

        package init(id: String, priority: Int, policy: EventPolicy, event: EventTracker.Transition) {
            self.id = id
            self.priority = priority
            self.policy = policy
            self.event = event
        }

        fileprivate var margin: Float { event.score - event.threshold }
        fileprivate var peakMargin: Float { event.peak.score - event.threshold }
    }

    /// A message about the event of a group of queries: its start, an update, or its end.
    package struct Message: Sendable, Equatable {
        package let leader: String
        /// The id of the query with the event's highest value; the message has its score and threshold.
        package let member: String
        package let transition: EventTracker.Transition
    }

    private struct Open {
        let leader: String
        let policy: EventPolicy
        var member: String
        /// The event as it is now: span, score, threshold and peak.
        var now: EventTracker.Transition
        var peakMargin: Float
        var reportedPeak: Float
        var reportedAt: Double
        var cooldown: Double
    }

    private var open: Open?
    private var barrier: (media: Double, wall: Double)?
    private var carried: Double?
    /// The end (seconds since 1970) and the cooldown of an event before this state was made; used at the next frame.
    private var resumed: (end: Double, cooldown: Double)?
    /// The last event's wall-clock end (seconds since 1970) and its cooldown.
    ///
    /// Nil if no event has ended, or if its cooldown is over and cuts off no window any more.
    package private(set) var last: (end: Double, cooldown: Double)?
    /// The end of the newest window in media time; `reach` is its beginning.
    private var newest = -Double.infinity
    private var reach = -Double.infinity

    package init() {}

    /// Makes a group of queries whose last event ended at `end` (seconds since 1970), so that its cooldown continues.
    ///
    /// If the system clock was set back since then, the cooldown takes its whole length.
    package init(after end: Double, cooldown: Double) {
        guard end.isFinite, cooldown > 0 else { return }
        resumed = (end, cooldown)
        last = resumed
    }

    package var isOpen: Bool { open != nil }
    package var leader: String? { open?.leader }
    /// The media time before which no event starts; nil if no cooldown runs or an event is open.
    package var coolingDown: Double? { open == nil ? barrier.flatMap { newest < $0.media ? $0.media : nil } : nil }
    /// True if this state need not be kept: no event is open, and no cooldown runs or can cut off a window.
    ///
    /// It may be dropped only if no member has a match in progress, which may reach back into the previous event.
    package var isIdle: Bool {
        open == nil && carried == nil && resumed == nil && (barrier.map { reach >= $0.media } ?? true)
    }

    /// Updates the event of a group of queries after a frame, and returns its messages.
    ///
    /// Call it for every frame unless `isIdle`. `members` are all queries of the group with an open event. `span` is
    /// the longest window that ends with this frame.
    package mutating func observe(_ members: [Member], span: WindowSpan) -> [Message] {
        var messages: [Message] = []
        if span.mediaEnd < newest { messages += close().map { [$0] } ?? [] }
        newest = span.mediaEnd
        reach = span.mediaStart
        if let left = carried {
            barrier = (span.mediaStart + left, span.wallStart)
            carried = nil
        }
        if let before = resumed {
            let elapsed = max(0, span.wallEnd - before.end)
            barrier = (span.mediaEnd - elapsed + before.cooldown, span.wallEnd - elapsed)
            resumed = nil
        }
        if let barrier, reach >= barrier.media { last = nil }
        if open != nil {
            let change = members.isEmpty ? finish() : join(members)
            return messages + (change.map { [$0] } ?? [])
        }
        return messages + (start(members).map { [$0] } ?? [])
    }

    /// Ends the open event and returns its message; nil if none is open.
    ///
    /// Call it when the stream ended, jumped or was removed: media times after it are unrelated to earlier ones, and
    /// the remaining cooldown starts with the next window.
    package mutating func close() -> Message? {
        let end = finish()
        if let barrier, barrier.media > newest { carried = barrier.media - newest }
        barrier = nil
        newest = -.infinity
        return end
    }

    /// Ends the open event and returns its message, while media time goes on; nil if none is open.
    ///
    /// Call it when the leading query was removed or changed, or is no longer active.
    package mutating func loseLeader() -> Message? { finish() }

    private mutating func start(_ members: [Member]) -> Message? {
        if let barrier, newest < barrier.media { return nil }
        // A member's event may be open although its newest window is missing, or only above threshold - hysteresis.
        let ready = members.filter { $0.margin >= 0 && $0.event.mediaEnd >= newest }
        guard let best = ready.max(by: { ($0.priority, $0.margin, $1.id) < ($1.priority, $1.margin, $0.id) }) else {
            return nil
        }
        let event = best.event
        let reached = barrier?.media ?? -.infinity
        let inSpan = event.peak.mediaTime >= reached
        let peak =
            inSpan
            ? event.peak
            : EventTracker.Peak(score: event.score, wallTime: event.wallEnd, mediaTime: event.mediaEnd)
        let now = EventTracker.Transition(
            phase: .start, score: event.score, threshold: event.threshold, peak: peak,
            mediaStart: max(event.mediaStart, reached), mediaEnd: event.mediaEnd,
            wallStart: max(event.wallStart, barrier?.wall ?? -.infinity), wallEnd: event.wallEnd)
        open = Open(
            leader: best.id, policy: best.policy, member: best.id, now: now, peakMargin: peak.score - event.threshold,
            reportedPeak: peak.score, reportedAt: event.mediaEnd, cooldown: members.map(\.policy.cooldown).max() ?? 0)
        return Message(leader: best.id, member: best.id, transition: now)
    }

    private mutating func join(_ members: [Member]) -> Message? {
        guard var event = open else { return nil }
        for member in members {
            event.cooldown = max(event.cooldown, member.policy.cooldown)
            let rises = member.event.peak.score > event.now.peak.score && member.peakMargin > event.peakMargin
            if rises, member.event.peak.mediaTime >= event.now.mediaStart {
                event.now = event.now.with(peak: member.event.peak, threshold: member.event.threshold)
                event.peakMargin = member.peakMargin
                event.member = member.id
            }
        }
        // The score must fit the threshold, so both are those of the member with the peak, as long as its event is
        // open.
        let mediaEnd = members.map(\.event.mediaEnd).reduce(event.now.mediaEnd, max)
        let wallEnd = members.map(\.event.wallEnd).reduce(event.now.wallEnd, max)
        let score = members.first { $0.id == event.member }?.event.score
        event.now = event.now.with(score: score, mediaEnd: mediaEnd, wallEnd: wallEnd)
        let peak = event.now.peak.score
        let due =
            peak > event.reportedPeak && peak >= event.reportedPeak + event.policy.updateStep
            && newest - event.reportedAt >= event.policy.updateInterval
        if due {
            event.reportedPeak = peak
            event.reportedAt = newest
        }
        open = event
        guard due else { return nil }
        return Message(leader: event.leader, member: event.member, transition: event.now.with(phase: .update))
    }

    private mutating func finish() -> Message? {
        defer { open = nil }
        guard let event = open else { return nil }
        barrier = (event.now.mediaEnd + event.cooldown, event.now.wallEnd)
        last = (event.now.wallEnd, event.cooldown)
        return Message(leader: event.leader, member: event.member, transition: event.now.with(phase: .end))
    }
}

extension EventTracker.Transition {
    fileprivate func with(
        phase: EventTracker.Phase? = nil, score: Float? = nil, peak: EventTracker.Peak? = nil, threshold: Float? = nil,
        mediaEnd: Double? = nil, wallEnd: Double? = nil
    ) -> Self {
        Self(
            phase: phase ?? self.phase, score: score ?? self.score, threshold: threshold ?? self.threshold,
            peak: peak ?? self.peak, mediaStart: mediaStart, mediaEnd: mediaEnd ?? self.mediaEnd, wallStart: wallStart,
            wallEnd: wallEnd ?? self.wallEnd)
    }
}
