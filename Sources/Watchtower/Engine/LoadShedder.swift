/// How much of their sampling rate live streams keep while there is more to do than can be done.
///
/// The rate is lowered for all by one factor, so that none starves; it goes down as soon as frames wait too long and comes
/// back slowly. Pure: time is given.
struct LoadShedder: Sendable {
    /// Share of the sampled frames that is kept, 1 if there is time for all.
    private(set) var keeps = 1.0
    private var decided: (at: ContinuousClock.Instant, wait: Duration)?

    /// A frame that waited longer than this came too late; one that waited less than half of it leaves room for more.
    static let patience = Duration.milliseconds(400)
    /// The factor is changed at most once in this time, so that a change is felt before the next.
    static let pace = Duration.milliseconds(500)
    static let least = 1.0 / 64

    /// Tells how long the oldest live frame of a batch has waited.
    mutating func observe(wait: Duration, at now: ContinuousClock.Instant) {
        let last = decided?.wait ?? .zero
        if let decided, now - decided.at < Self.pace { return }
        decided = (now, wait)
        if wait > Self.patience {
            // While the queue is getting shorter the rate is low enough.
            if wait >= last { keeps = max(Self.least, keeps * 0.85) }
        } else if wait < Self.patience / 2 {
            keeps = min(1, keeps + 0.02)
        }
    }
}
