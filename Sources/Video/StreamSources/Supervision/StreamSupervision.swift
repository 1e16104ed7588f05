package import SystemSupport

/// What a stream is doing, as `stream list` and `stream.<name>` messages say it.
package enum SourceState: Sendable, Equatable {
    /// Its source is being opened; no picture has come yet.
    case connecting
    case playing
    /// Nothing comes any more, though its source says nothing; that is being torn down.
    case stalled(String)
    /// Waits to be opened again, and why it has to be.
    case backingOff(String)
    case ended
    case failed(String)

    /// Whether nothing more comes of it by itself.
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

/// Decides when a stream's source is opened, given up and opened again.
///
/// Pure: it is told the time and what happens.
///
/// ```
/// connecting ─ picture ▶ playing ─ nothing comes ▶ stalled ─ closed ▶ backing-off ─ time ▶ connecting
///      └───────── fails, ends, nothing comes ──────────┴───────────────▲
/// ```
package struct StreamSupervision: Sendable {
    /// What a stream's source is, and so what is done about it.
    package enum Source: Sendable {
        /// A camera, or whatever else has no end: given up when nothing comes, opened again whatever happens.
        case live
        /// A film on another machine: opened again when it fails; it may end, and may take its time.
        case remote
        /// A file: when it ends or fails, the stream has `ended` or `failed` for good.
        case file
    }

    package struct Limits: Sendable, Equatable {
        /// Without anything that was ever received, a source is given up after so long.
        package var connect: Duration = .seconds(10)
        /// The same, when something had come before.
        package var stall: Duration = .seconds(10)
        /// Coded data comes, but no picture of it; nil where units are left undecoded on purpose, however long.
        package var blind: Duration? = .seconds(60)
        /// From one sample to the next, by the source's own time.
        package var interval: Duration = .seconds(1)
        /// After so long of playing the pauses begin with the first again.
        package var stable: Duration = .seconds(30)
        package var backoff = Backoff()

        package init() {}
    }

    /// What a source does, or the time alone.
    package enum Observation: Sendable, Equatable {
        case time
        /// Its first picture.
        case picture
        /// Its pipeline says that it has no end.
        case live
        case ended
        case failed(String)
        /// Its server wants to be left alone for so long.
        case busy(String, Duration)
        /// It has been torn down, as was asked for.
        case closed
    }

    /// When anything, and a picture, was last received from the source that is open now.
    package struct Heard: Sendable, Equatable {
        package var anything: ContinuousClock.Instant?
        package var picture: ContinuousClock.Instant?
        /// The first picture since the last that was sampled; nil if none has come since.
        package var unsampled: ContinuousClock.Instant?

        package init(
            anything: ContinuousClock.Instant? = nil, picture: ContinuousClock.Instant? = nil,
            unsampled: ContinuousClock.Instant? = nil
        ) {
            (self.anything, self.picture, self.unsampled) = (anything, picture, unsampled)
        }
    }

    /// What is to be done now.
    package enum Step: Sendable, Equatable {
        case open
        /// Tell what happens; at that time, what has been heard.
        case watch(until: ContinuousClock.Instant?)
        /// Tear the source down, then tell that it is closed.
        case close
        /// Nothing, until then.
        case rest(until: ContinuousClock.Instant)
        case finish
    }

    /// Over the life of the stream.
    package struct Counts: Sendable, Equatable {
        /// How often its source was opened again.
        package var restarts: UInt64 = 0
        package var stalls: UInt64 = 0
        /// Errors and, of a live source, ends.
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
    /// The least of the next pause.
    private var askedPause = Duration.zero
    private var source: Source
    private let limits: Limits
    private var backoff: Backoff
    private let chance: @Sendable () -> Double

    /// `chance`: numbers of 0 to 1, for the pauses.
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

    /// The first step, before anything has happened.
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
        // Told the time before what was heard: nothing is heard after it.
        let deadlines = deadlines(heard)
        if let overdue = deadlines.first(where: { $0.time <= now }) {
            counts.stalls += 1
            return close(.stalled(overdue.why))
        }
        return .watch(until: deadlines.map(\.time).min())
    }

    /// When the source is given up, and why, if nothing more is heard.
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
            let most = limits.stall + limits.interval * Self.intervals
            let why = "pictures come, but none was due for \(Self.seconds(most)) s: their time stamps stand still"
            deadlines.append((unsampled + most, why))
        }
        return deadlines
    }

    /// Time stamps that run this many times too slowly are no standstill.
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
