/// How much of their sampling rate live streams keep while there is more to do than can be done.
///
/// One factor lowers the rate of all streams, so that none starves. It falls as soon as frames wait too long, and rises
/// slowly. The type is pure: the caller passes the time.
struct LoadShedder: Sendable {
    /// The share of samples that is kept; 1 without overload.
    private(set) var keeps = 1.0
    private var waits: (sum: Duration, count: Int) = (.zero, 0)
    private var decided: (at: ContinuousClock.Instant, wait: Duration)?

    /// The mean wait of frames from which on they are late; less than half of it leaves room for more.
    ///
    /// It is the mean, since single frames wait for each other: cameras send keyframes when they like.
    static let patience = Duration.milliseconds(400)
    /// The least time between two changes of the factor, so that a change takes effect before the next.
    static let pace = Duration.milliseconds(500)
    static let least = 1.0 / 64

    /// Whether frames have waited so long, in the mean, that there is no room for more.
    static func isLate(_ waits: [Duration]) -> Bool {
        !waits.isEmpty && waits.reduce(.zero, +) / waits.count >= patience / 2
    }

    /// Adds the waits of a batch's live frames, each since the arrival of the data it was decoded from.
    mutating func observe(waits batch: [Duration], at now: ContinuousClock.Instant) {
        waits.sum += batch.reduce(.zero, +)
        waits.count += batch.count
        if let decided, now - decided.at < Self.pace { return }
        let wait = waits.count > 0 ? waits.sum / waits.count : .zero
        let (last, since) = (decided?.wait ?? .zero, decided.map { now - $0.at } ?? Self.pace)
        decided = (now, wait)
        waits = (.zero, 0)
        if wait > Self.patience {
            // While frames wait less and less the rate is low enough.
            if wait >= last { keeps = max(Self.least, keeps * 0.85) }
        } else if wait < Self.patience / 2 {
            // By time: the fewer samples are kept, the rarer are batches to decide by.
            keeps = min(1, keeps + 0.02 * (since / Self.pace))
        }
    }
}
