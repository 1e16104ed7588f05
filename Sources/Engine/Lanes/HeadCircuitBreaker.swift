/// A circuit breaker for heads (models that score windows): one that took too long is not called for a while.
///
/// One thread does all scoring, so a slow head delays every stream. After a call that took too long, the head is not
/// called for nine times as long: it gets at most a tenth of the time. The type has no clock: the caller passes the
/// time.
struct HeadCircuitBreaker {
    /// The longest acceptable duration of one call of a head (a model that scores windows).
    static let patience = Duration.seconds(5)
    static let factor = 9

    private var until: [String: ContinuousClock.Instant] = [:]

    /// Returns true if a head (a model that scores windows) must not be called at this time.
    func rests(_ head: String, at now: ContinuousClock.Instant) -> Bool { until[head].map { now < $0 } ?? false }

    /// Records how long a call of a head (scoring model) took; returns how long it must not be called now, or nil.
    mutating func note(_ head: String, took: Duration, at now: ContinuousClock.Instant) -> Duration? {
        guard took > Self.patience else { return nil }
        until[head] = now + took * Self.factor
        return took * Self.factor
    }
}
