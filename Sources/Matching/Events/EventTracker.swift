/// Follows the events of one query on one lane (a stream or region): turns windows' values into start, update and end.
///
/// A match begins when `needed` of the last `windows` windows reach the threshold. It lasts while as many stay at or
/// above threshold - hysteresis.
///
/// It becomes an event (`start`) at the first window where all of this holds:
/// - this window reaches the threshold;
/// - `needed` of the last `windows` windows, this one included, reach it;
/// - the match has lasted for the minimum duration;
/// - no cooldown runs.
///
/// `update` follows when the peak has risen. `end` follows when the match is over, or when the stream jumps or ends. A
/// match that never became an event starts no cooldown.
///
/// Spans never overlap: an event begins, at the earliest, when the previous event's cooldown ended, even if its first
/// window began before.
package struct EventTracker: Sendable {
    package enum Phase: String, Sendable { case start, update, end }

    package struct Peak: Sendable, Equatable {
        /// The event's highest value: the score, or the probability of a query with contrasting texts.
        package let score: Float
        /// The wall-clock time, in seconds since 1970, of the last frame of the best window; `mediaTime` is its media
        /// time.
        package let wallTime: Double
        package let mediaTime: Double

        package init(score: Float, wallTime: Double, mediaTime: Double) {
            self.score = score
            self.wallTime = wallTime
            self.mediaTime = mediaTime
        }
    }

    /// A message about an event: its start, an update, or its end.
    ///
    /// The span goes from the first frame of the match's first window to the last frame of its last window. If the
    /// previous event's cooldown ended within it, it begins there.
    package struct Transition: Sendable, Equatable {
        package let phase: Phase
        package let score: Float
        /// The threshold that the score was compared with.
        package let threshold: Float
        package let peak: Peak
        package let mediaStart: Double
        package let mediaEnd: Double
        package let wallStart: Double
        package let wallEnd: Double
    }

    /// The reason why the last window started no event.
    package enum Hold: Sendable, Equatable {
        case belowThreshold
        /// Only `matched` of the last windows matched, fewer than `needed`.
        case confirming(matched: Int, needed: Int)
        /// The match has lasted for `lasted` seconds so far, less than `needed`.
        case tooShort(lasted: Double, needed: Double)
        /// The previous event's cooldown runs: no event starts before this media time.
        case coolingDown(until: Double)
    }

    /// A match in progress: consecutive windows with values near or above the threshold.
    private struct Match {
        let first: WindowSpan
        var last: WindowSpan
        var score: Float
        var threshold: Float
        /// The window with the highest value; nil while all windows so far belong to a cooldown.
        var peak: Peak?
        /// The event's last message; nil until the match becomes an event.
        var event: Event?
    }

    /// The values in the last message about an event.
    private struct Event {
        let mediaStart: Double
        let wallStart: Double
        var peak: Float
        var at: Double
    }

    /// A window before the newest one.
    private struct Seen {
        let value: Float
        let span: WindowSpan
        let matched: Bool
        let held: Bool
    }

    /// The end of the previous event in wall-clock time, and the end of its cooldown in media time.
    private struct Barrier {
        let media: Double
        let wall: Double
    }

    package private(set) var policy: EventPolicy
    /// The last `windows - 1` windows and whether they matched, oldest first.
    private var seen: [Seen] = []
    private var match: Match?
    private var barrier: Barrier?
    /// The seconds of cooldown that were left when the stream jumped; they start with its next window.
    private var carried: Double?
    /// The wall-clock end of an event before this tracker was made; its cooldown continues with the next window.
    private var resumed: Double?
    /// The wall-clock end of the last event, in seconds since 1970; nil once its cooldown is over.
    package private(set) var lastEnd: Double?
    /// The media time of the newest window's end.
    private var now = -Double.infinity
    /// The reason why the last window started no event; nil if an event is open.
    package private(set) var hold: Hold? = .belowThreshold

    package init(_ policy: EventPolicy) { self.policy = policy }

    /// Makes a tracker whose last event ended at `end` (seconds since 1970), so that its cooldown continues.
    ///
    /// The remaining cooldown is computed at the first window. If the system clock was set back since then, the
    /// cooldown takes its whole length.
    package init(_ policy: EventPolicy, after end: Double?) {
        self.policy = policy
        guard let end, end.isFinite, policy.cooldown > 0 else { return }
        (resumed, lastEnd) = (end, end)
    }

    /// Changes the settings during a match or cooldown; `needed` and `windows` must stay the same.
    package mutating func adopt(_ policy: EventPolicy) {
        let longer = policy.cooldown - self.policy.cooldown
        barrier = barrier.map { Barrier(media: $0.media + longer, wall: $0.wall) }
        carried = carried.flatMap { $0 + longer > 0 ? $0 + longer : nil }
        self.policy = policy
    }

    package var isOpen: Bool { match?.event != nil }

    /// True if this tracker need not be kept: no match, no cooldown, and no recent window that matched.
    package var isIdle: Bool {
        match == nil && barrier == nil && carried == nil && resumed == nil && !seen.contains { $0.matched }
    }

    /// True if no match is in progress, so that windows below the threshold change nothing while the stream does not
    /// jump.
    package var isCooling: Bool {
        match == nil && carried == nil && resumed == nil && !seen.contains { $0.matched }
    }

    /// The open event as it is now; nil if none is open.
    package var current: Transition? { match.flatMap { transition(.update, $0) } }

    /// Adds the next window, and returns the messages about the event.
    ///
    /// `value`, a score or probability, is compared with `threshold`; a nil or NaN value matches nothing. If the
    /// window's `span` ends before the previous window's did, the stream jumped, and the open event ends.
    package mutating func observe(_ value: Float?, threshold: Float, span: WindowSpan) -> [Transition] {
        var transitions: [Transition] = []
        if span.mediaEnd < now { transitions += close().map { [$0] } ?? [] }
        now = span.mediaEnd
        settleBarrier(span)
        let value = value ?? .nan
        let matched = value >= threshold
        let held = value >= threshold - policy.hysteresis
        let matches = seen.count { $0.matched } + (matched ? 1 : 0)
        let holds = seen.count { $0.held } + (held ? 1 : 0)
        if match == nil, matched, matches >= policy.needed {
            match = begin(value, threshold, span)
        } else if match != nil, holds < policy.needed {
            hold = .belowThreshold
            return transitions + (finish().map { [$0] } ?? [])
        }
        remember(Seen(value: value, span: span, matched: matched, held: held))
        guard match != nil else {
            hold = matches > 0 ? .confirming(matched: matches, needed: policy.needed) : .belowThreshold
            return transitions
        }
        guard held else {
            if !isOpen { hold = .belowThreshold }
            return transitions
        }
        return transitions + advance(value, threshold, span, matches: matched ? matches : 0)
    }

    /// Ends the open event because the stream ended, jumped or was removed; nil if none is open.
    ///
    /// Media times after this are unrelated to earlier ones. The remaining cooldown starts with the next window.
    package mutating func close() -> Transition? {
        let end = finish()
        if let barrier, barrier.media > now { carried = barrier.media - now }
        barrier = nil
        now = -.infinity
        hold = .belowThreshold
        return end
    }

    /// Returns a match that begins with the newest window, and the remembered windows that matched.
    private func begin(_ value: Float, _ threshold: Float, _ span: WindowSpan) -> Match {
        let earlier = seen.filter { $0.matched }
        var match = Match(first: earlier.first?.span ?? span, last: span, score: value, threshold: threshold)
        for window in earlier { raise(&match, to: window.value, window.span) }
        return match
    }

    /// Adds a window to the match in progress, which may start its event or report a higher value.
    private mutating func advance(
        _ value: Float, _ threshold: Float, _ span: WindowSpan, matches: Int
    ) -> [Transition] {
        guard var going = match else { return [] }
        going.last = span
        going.score = value
        going.threshold = threshold
        raise(&going, to: value, span)
        let phase = going.event == nil ? start(&going, span, matches: matches) : update(&going, span)
        match = going
        return phase.flatMap { transition($0, going) }.map { [$0] } ?? []
    }

    private func raise(_ match: inout Match, to value: Float, _ span: WindowSpan) {
        if let barrier, span.mediaEnd < barrier.media { return }
        if let peak = match.peak, peak.score >= value { return }
        match.peak = Peak(score: value, wallTime: span.wallEnd, mediaTime: span.mediaEnd)
    }

    private mutating func start(_ going: inout Match, _ span: WindowSpan, matches: Int) -> Phase? {
        let lasted = span.mediaEnd - going.first.mediaEnd
        if let barrier, span.mediaEnd < barrier.media {
            hold = .coolingDown(until: barrier.media)
        } else if lasted < policy.minimumDuration {
            hold = .tooShort(lasted: lasted, needed: policy.minimumDuration)
        } else if matches < policy.needed {
            hold = matches == 0 ? .belowThreshold : .confirming(matched: matches, needed: policy.needed)
        } else if let peak = going.peak {
            hold = nil
            going.event = Event(
                mediaStart: max(going.first.mediaStart, barrier?.media ?? -.infinity),
                wallStart: max(going.first.wallStart, barrier?.wall ?? -.infinity), peak: peak.score,
                at: span.mediaEnd)
            return .start
        }
        return nil
    }

    private func update(_ going: inout Match, _ span: WindowSpan) -> Phase? {
        guard let event = going.event, let peak = going.peak?.score, peak > event.peak,
            peak >= event.peak + policy.updateStep, span.mediaEnd - event.at >= policy.updateInterval
        else { return nil }
        going.event?.peak = peak
        going.event?.at = span.mediaEnd
        return .update
    }

    /// Ends the match, and its event if it had become one; then the cooldown begins.
    private mutating func finish() -> Transition? {
        defer { match = nil }
        seen = []
        guard let over = match, let end = transition(.end, over) else { return nil }
        barrier = Barrier(media: end.mediaEnd + policy.cooldown, wall: end.wallEnd)
        lastEnd = end.wallEnd
        return end
    }

    private mutating func remember(_ window: Seen) {
        guard policy.windows > 1 else { return }
        seen.append(window)
        if seen.count >= policy.windows { seen.removeFirst() }
    }

    /// Applies a cooldown from before a jump or restart to the stream's media times, and removes one that is over.
    private mutating func settleBarrier(_ span: WindowSpan) {
        if let left = carried {
            barrier = Barrier(media: span.mediaStart + left, wall: span.wallStart)
            carried = nil
        }
        if let end = resumed {
            let elapsed = max(0, span.wallEnd - end)
            barrier = Barrier(
                media: span.mediaEnd - elapsed + policy.cooldown, wall: span.wallEnd - elapsed)
            resumed = nil
        }
        guard let reached = barrier?.media, span.mediaStart >= reached, match == nil,
            !seen.contains(where: { $0.matched })
        else { return }
        barrier = nil
        lastEnd = nil
    }

    private func transition(_ phase: Phase, _ match: Match) -> Transition? {
        guard let event = match.event, let peak = match.peak else { return nil }
        return Transition(
            phase: phase, score: match.score, threshold: match.threshold, peak: peak,
            mediaStart: event.mediaStart, mediaEnd: match.last.mediaEnd, wallStart: event.wallStart,
            wallEnd: match.last.wallEnd)
    }
}
