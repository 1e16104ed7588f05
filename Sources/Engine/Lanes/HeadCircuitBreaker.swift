/// Which heads are left alone for a while.
///
/// One thread does all of the scoring, so a head that takes long keeps every stream waiting. One call that took too
/// long is followed by a rest of nine times as long: such a head gets a tenth of the time at most. Pure; time is given.
struct HeadCircuitBreaker {
    /// A call that takes longer took too long.
    static let patience = Duration.seconds(5)
    static let factor = 9

    private var until: [String: ContinuousClock.Instant] = [:]

    /// Whether the head is not to be asked now.
    func rests(_ head: String, at now: ContinuousClock.Instant) -> Bool { until[head].map { now < $0 } ?? false }

    /// Takes note of a call; the rest that follows it, if one does.
    mutating func note(_ head: String, took: Duration, at now: ContinuousClock.Instant) -> Duration? {
        guard took > Self.patience else { return nil }
        until[head] = now + took * Self.factor
        return took * Self.factor
    }
}
