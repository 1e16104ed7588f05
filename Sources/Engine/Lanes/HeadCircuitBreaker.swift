/// A circuit breaker for heads: a head that takes too long is not called for a while.
///
/// One thread does all scoring, so a slow head keeps every stream waiting. After a call that took too long, the head
/// rests for nine times as long: it gets at most a tenth of the time. The type is pure: the caller passes the time.
struct HeadCircuitBreaker {
    /// The longest acceptable call.
    static let patience = Duration.seconds(5)
    static let factor = 9

    private var until: [String: ContinuousClock.Instant] = [:]

    /// Whether the head must not be called now.
    func rests(_ head: String, at now: ContinuousClock.Instant) -> Bool { until[head].map { now < $0 } ?? false }

    /// Records a call; returns the length of the rest that follows it, or nil.
    mutating func note(_ head: String, took: Duration, at now: ContinuousClock.Instant) -> Duration? {
        guard took > Self.patience else { return nil }
        until[head] = now + took * Self.factor
        return took * Self.factor
    }
}
