/// Computes the share of their sampling rate that live streams keep under overload.
///
/// One share applies to all streams, so that none starves. It falls as soon as frames wait too long, and rises slowly.
/// The type has no clock: the caller passes the time.
struct LoadShedder: Sendable {
    /// The share of samples that live streams keep; 1 without overload.
    private(set) var keeps = 1.0
    private var waits: (sum: Duration, count: Int) = (.zero, 0)
    private var decided: (at: ContinuousClock.Instant, wait: Duration)?

    /// The mean wait of frames from which on they are late; below half of it, there is time for more frames.
    ///
    /// It is a mean, since frames of several streams often arrive together and wait for each other.
    static let patience = Duration.milliseconds(400)
    /// The least time between two changes of the sampling rate, so that one change takes effect before the next.
    static let pace = Duration.milliseconds(500)
    static let least = 1.0 / 64

    /// Returns true if the mean of the waits is at least half of `patience`, so that there is no time for extra work.
    static func isLate(_ waits: [Duration]) -> Bool {
        !waits.isEmpty && waits.reduce(.zero, +) / waits.count >= patience / 2
    }

    /// Adjusts the share of samples that live streams keep, given the waits of a batch's live frames since their data
    /// arrived.
    mutating func observe(waits batch: [Duration], at now: ContinuousClock.Instant) {
        waits.sum += batch.reduce(.zero, +)
        waits.count += batch.count
        if let decided, now - decided.at < Self.pace { return }
        let wait = waits.count > 0 ? waits.sum / waits.count : .zero
        let (last, since) = (decided?.wait ?? .zero, decided.map { now - $0.at } ?? Self.pace)
        decided = (now, wait)
        waits = (.zero, 0)
        if wait > Self.patience {
            // While waits become shorter, the rate is low enough.
            if wait >= last { keeps = max(Self.least, keeps * 0.85) }
        } else if wait < Self.patience / 2 {
            // The share rises with time, not per batch: with fewer samples, batches are rarer.
            keeps = min(1, keeps + 0.02 * (since / Self.pace))
        }
    }
}
