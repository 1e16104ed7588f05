/// The events of one `group` of queries on one lane: similar descriptions of one event give one alert.
///
/// The group follows the trackers of its members. Its event starts with the first member's event. The member of the
/// highest priority leads, and among equals the one with the best margin over its threshold; the event keeps the
/// leader's name until it ends. Other members join silently. If a member's peak exceeds the event's in score and in
/// margin, it becomes the event's peak. The event ends with the last member's event. Members have no cooldown of their
/// own (`EventPolicy.ofMember`); the group has the longest cooldown of the members that took part.
package struct EventGroup: Sendable {
    /// A member of the group whose event is open.
    package struct Member: Sendable {
        package let id: String
        package let priority: Int
        package let policy: EventPolicy
        /// The open event, from the tracker's `current`.
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

    /// A message about the group's event, in the name of the leading query.
    package struct Told: Sendable, Equatable {
        package let leader: String
        /// The member that has the peak, whose score and threshold the message carries.
        package let member: String
        package let transition: EventTracker.Transition
    }

    private struct Open {
        let leader: String
        let policy: EventPolicy
        var member: String
        /// Span, score, threshold and peak of the event as of now.
        var now: EventTracker.Transition
        var peakMargin: Float
        var toldPeak: Float
        var toldAt: Double
        var cooldown: Double
    }

    private var open: Open?
    private var barrier: (media: Double, wall: Double)?
    private var carried: Double?
    /// The wall-clock end and the cooldown of an event before this group; the cooldown goes on with the next frame.
    private var resumed: (end: Double, cooldown: Double)?
    /// The last event's end by the wall clock, in seconds since 1970, and its cooldown; nil once the cooldown is over.
    package private(set) var last: (end: Double, cooldown: Double)?
    /// The end of the newest window in media time; `reach` is its beginning.
    private var newest = -Double.infinity
    private var reach = -Double.infinity

    package init() {}

    /// Makes a group that continues another one, whose last event ended at `end` by the wall clock.
    ///
    /// A clock that was set back prolongs the cooldown only to its whole length.
    package init(after end: Double, cooldown: Double) {
        guard end.isFinite, cooldown > 0 else { return }
        resumed = (end, cooldown)
        last = resumed
    }

    package var isOpen: Bool { open != nil }
    package var leader: String? { open?.leader }
    /// The media time before which no event starts; nil without a cooldown.
    package var coolingDown: Double? { open == nil ? barrier.flatMap { newest < $0.media ? $0.media : nil } : nil }
    /// Whether a new group in this one's place would behave the same, if no member is in motion.
    ///
    /// A match that is not an event yet may reach back into the previous event; so members must be idle, too.
    package var isIdle: Bool {
        open == nil && carried == nil && resumed == nil && (barrier.map { reach >= $0.media } ?? true)
    }

    /// Updates the group after a frame of the lane; call it for every frame while the group is in motion.
    ///
    /// `members` are all members with an open event. `span` is the longest of their windows that end with this frame.
    package mutating func observe(_ members: [Member], span: WindowSpan) -> [Told] {
        var told: [Told] = []
        if span.mediaEnd < newest { told += close().map { [$0] } ?? [] }
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
        if open != nil {
            let change = members.isEmpty ? finish() : join(members)
            return told + (change.map { [$0] } ?? [])
        }
        return told + (start(members).map { [$0] } ?? [])
    }

    /// Ends the open event; returns its message, or nil if none was open.
    ///
    /// The caller does this when the stream ended, jumped or was removed, or the leader was removed or changed.
    package mutating func close() -> Told? {
        let end = finish()
        if let barrier, barrier.media > newest { carried = barrier.media - newest }
        barrier = nil
        newest = -.infinity
        return end
    }

    private mutating func start(_ members: [Member]) -> Told? {
        if let barrier, newest < barrier.media { return nil }
        // A member may be open without its newest window having held, or held at the threshold.
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
            toldPeak: peak.score, toldAt: event.mediaEnd, cooldown: members.map(\.policy.cooldown).max() ?? 0)
        return Told(leader: best.id, member: best.id, transition: now)
    }

    private mutating func join(_ members: [Member]) -> Told? {
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
        // The score goes with the threshold: both are the peak's member's, as long as its event is open.
        let mediaEnd = members.map(\.event.mediaEnd).reduce(event.now.mediaEnd, max)
        let wallEnd = members.map(\.event.wallEnd).reduce(event.now.wallEnd, max)
        let score = members.first { $0.id == event.member }?.event.score
        event.now = event.now.with(score: score, mediaEnd: mediaEnd, wallEnd: wallEnd)
        let peak = event.now.peak.score
        let due =
            peak > event.toldPeak && peak >= event.toldPeak + event.policy.updateStep
            && newest - event.toldAt >= event.policy.updateInterval
        if due {
            event.toldPeak = peak
            event.toldAt = newest
        }
        open = event
        return due ? Told(leader: event.leader, member: event.member, transition: event.now.with(phase: .update)) : nil
    }

    private mutating func finish() -> Told? {
        defer { open = nil }
        guard let event = open else { return nil }
        barrier = (event.now.mediaEnd + event.cooldown, event.now.wallEnd)
        last = (event.now.wallEnd, event.cooldown)
        return Told(leader: event.leader, member: event.member, transition: event.now.with(phase: .end))
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
