package import SystemSupport

/// The state of a stream, as the command `stream list` and the messages `stream.<name>` show it.
package enum SourceState: Sendable, Equatable {
    /// The source is being opened; no picture has come yet.
    case connecting
    case playing
    /// No data arrives any more, although the source reports no error; the source is being closed.
    case stalled(String)
    /// The source is closed and will be opened again after a pause; the text is the reason.
    case backingOff(String)
    case ended
    case failed(String)

    /// True for the states that a stream never leaves: ended and failed.
    package var isFinal: Bool {
        switch self {
        case .ended, .failed: true
        case .connecting, .playing, .stalled, .backingOff: false
        }
    }

    package var word: String {
        switch self {
        case .connecting: "connecting"
        case .playing: "playing"
        case .stalled: "stalled"
        case .backingOff: "backing-off"
        case .ended: "ended"
        case .failed: "failed"
        }
    }
    package var reason: String? {
        switch self {
        case .stalled(let why), .backingOff(let why), .failed(let why): why
        case .connecting, .playing, .ended: nil
        }
    }
}

/// The state machine that decides when a stream's source is opened, closed and opened again.
///
/// It reads no clock and does nothing itself: callers pass the time and the events, and carry out the returned step.
///
/// ```
/// connecting ─ picture ▶ playing ─ nothing comes ▶ stalled ─ closed ▶ backing-off ─ time ▶ connecting
///      └───────── fails, ends, nothing comes ──────────┴───────────────▲
/// ```
package struct StreamSupervision: Sendable {
    /// The kind of a stream's source, which decides how its end and its failures are handled.
    package enum Source: Sendable {
        /// A camera or another endless source: closed when no data arrives, and always opened again.
        case live
        /// A film on another machine: opened again when it fails; it may end, and may be slow.
        case remote
        /// A file: when it ends or fails, the stream is `ended` or `failed` permanently.
        case file
    }

    package struct Limits: Sendable, Equatable {
        /// The time after which a source that has not delivered any data is closed.
        package var connect: Duration = .seconds(10)
        /// The time without new data after which a source is closed.
        package var stall: Duration = .seconds(10)
        /// The time without a picture after which a source that delivers data is closed.
        ///
        /// Nil if coded pictures are left undecoded on purpose.
        package var blind: Duration? = .seconds(60)
        /// The time between two sampled frames of the stream, by the source's own clock.
        package var interval: Duration = .seconds(1)
        /// The time that a source must have played so that the next pause is the shortest one again.
        package var stable: Duration = .seconds(30)
        package var backoff = Backoff()

        package init() {}
    }

    /// An event of the source that the state machine is told about, or only the passing of time.
    package enum Observation: Sendable, Equatable {
        case time
        /// The source's first picture has been decoded.
        case picture
        /// The pipeline reports that the source is live, so it has no end.
        case live
        case ended
        case failed(String)
        /// The server is busy: the error message, and the pause that the server asks for before the next attempt.
        case busy(String, Duration)
        /// The caller has closed the source, as the step `close` demanded.
        case closed
    }

    /// The times at which the open source last delivered coded data and pictures; nil for never.
    package struct Heard: Sendable, Equatable {
        package var anything: ContinuousClock.Instant?
        package var picture: ContinuousClock.Instant?
        /// The time of the first picture decoded since the last sampled one; nil if there is none.
        package var unsampled: ContinuousClock.Instant?

        package init(
            anything: ContinuousClock.Instant? = nil, picture: ContinuousClock.Instant? = nil,
            unsampled: ContinuousClock.Instant? = nil
        ) {
            (self.anything, self.picture, self.unsampled) = (anything, picture, unsampled)
        }
    }

    /// The action that the caller of the state machine must carry out now.
    package enum Step: Sendable, Equatable {
        case open
        /// Wait for an event of the source, but at most until this time (nil for no limit), and pass it to `observe`.
        ///
        /// After the time limit, pass `time` and the present `heard`.
        case watch(until: ContinuousClock.Instant?)
        /// Close the source, then pass `closed` to `observe`.
        case close
        /// Wait until this time before the source is opened again.
        case rest(until: ContinuousClock.Instant)
        case finish
    }

    /// The counters of a stream since it was added, over all openings of its source.
    package struct Counts: Sendable, Equatable {
        /// The number of times that the source was opened again.
        package var restarts: UInt64 = 0
        package var stalls: UInt64 = 0
        /// The number of errors; for a live source each end counts too.
        package var failures: UInt64 = 0
        package var changes: UInt64 = 0

        package init() {}
    }

    private enum Phase: Equatable {
        case open
        case closing
        case resting(until: ContinuousClock.Instant)
    }

    package private(set) var state = SourceState.connecting
    package private(set) var counts = Counts()
    private var phase = Phase.closing
    private var opened: ContinuousClock.Instant
    private var played: ContinuousClock.Instant?
    /// The least length of the next pause before the source is opened again, which a busy server asked for.
    private var askedPause = Duration.zero
    private var source: Source
    private let limits: Limits
    private var backoff: Backoff
    private let chance: @Sendable () -> Double

    /// Makes the state machine of one stream; `chance` returns random numbers of 0 to 1, which vary the pauses.
    package init(
        _ source: Source, limits: Limits = Limits(), at now: ContinuousClock.Instant,
        chance: @escaping @Sendable () -> Double = { .random(in: 0...1) }
    ) {
        self.source = source
        self.limits = limits
        backoff = limits.backoff
        opened = now
        self.chance = chance
    }

    /// Returns the first step, which is to open the source; it must be called before `observe`.
    package mutating func begin(at now: ContinuousClock.Instant) -> Step {
        (phase, opened, played) = (.open, now, nil)
        change(to: .connecting)
        return .open
    }

    package mutating func observe(
        _ observation: Observation, heard: Heard = Heard(), at now: ContinuousClock.Instant
    ) -> Step {
        switch phase {
        case .open: return observeOpen(observation, heard, now)
        case .closing:
            guard observation == .closed else { return .close }
            switch state {
            case .ended, .failed: return .finish
            case .stalled(let why): return rest(why, now)
            case .connecting, .playing, .backingOff: return rest(state.reason ?? "", now)
            }
        case .resting(let until):
            guard now >= until else { return .rest(until: until) }
            counts.restarts += 1
            return begin(at: now)
        }
    }

    private mutating func observeOpen(
        _ observation: Observation, _ heard: Heard, _ now: ContinuousClock.Instant
    ) -> Step {
        switch observation {
        case .picture:
            if played == nil { played = now }
            change(to: .playing)
            return .watch(until: source == .live ? deadlines(heard).map(\.time).min() : nil)
        case .ended:
            guard source == .live else { return close(.ended) }
            counts.failures += 1
            return close(.backingOff("the source ended"))
        case .failed(let why):
            counts.failures += 1
            return close(source == .file ? .failed(why) : .backingOff(why))
        case .busy(let why, let pause):
            counts.failures += 1
            askedPause = pause
            return close(.backingOff(why))
        case .live: source = .live
        case .time, .closed: break
        }
        guard source == .live else { return .watch(until: nil) }
        // The caller read `heard` after the time `now`, so nothing that arrived up to `now` is missing in it.
        let deadlines = deadlines(heard)
        if let overdue = deadlines.first(where: { $0.time <= now }) {
            counts.stalls += 1
            return close(.stalled(overdue.why))
        }
        return .watch(until: deadlines.map(\.time).min())
    }

    /// Returns the times at which a live source is closed unless more data arrives, each with the error message.
    private func deadlines(_ heard: Heard) -> [(time: ContinuousClock.Instant, why: String)] {
        var deadlines: [(time: ContinuousClock.Instant, why: String)] = []
        if let last = [heard.anything, heard.picture].compactMap(\.self).max() {
            deadlines.append((last + limits.stall, "nothing has come for \(Self.seconds(limits.stall)) s"))
        } else {
            let wait = Self.seconds(limits.connect)
            deadlines.append((opened + limits.connect, "nothing has come within \(wait) s of connecting"))
        }
        if let blind = limits.blind {
            let why = "data comes, but no picture for \(Self.seconds(blind)) s"
            deadlines.append(((heard.picture ?? opened) + blind, why))
        }
        if let unsampled = heard.unsampled {
            let frozen = Self.frozenTime(after: limits.stall, interval: limits.interval)
            deadlines.append((unsampled + frozen.most, frozen.why))
        }
        return deadlines
    }

    /// Returns how long pictures may arrive without one that is due to be sampled, and the error message after that.
    ///
    /// The source's time stamps then stand still.
    package static func frozenTime(after stall: Duration, interval: Duration) -> (most: Duration, why: String) {
        let most = stall + interval * intervals
        return (most, "pictures come, but none was due for \(seconds(most)) s: their time stamps stand still")
    }

    /// A source whose time stamps run up to this many times too slowly is not considered frozen.
    private static let intervals = 3

    private static func seconds(_ duration: Duration) -> String {
        let tenths = Int((duration / .seconds(1) * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }

    private mutating func close(_ next: SourceState) -> Step {
        phase = .closing
        change(to: next)
        return .close
    }

    private mutating func rest(_ why: String, _ now: ContinuousClock.Instant) -> Step {
        if let played, now - played >= limits.stable { backoff.reset() }
        change(to: .backingOff(why))
        let until = now + max(backoff.next(chance: chance()), askedPause)
        askedPause = .zero
        phase = .resting(until: until)
        return .rest(until: until)
    }

    private mutating func change(to next: SourceState) {
        if state != next { counts.changes += 1 }
        state = next
    }
}
