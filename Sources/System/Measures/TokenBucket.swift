/// A rate limiter (token bucket): admits `rate` requests a second in the long run, and at most `burst` at once.
///
/// It reads no clock: the caller passes the time.
package struct TokenBucket: Sendable {
    private let rate: Double
    private let burst: Double
    private var tokens: Double
    private var filled: ContinuousClock.Instant

    /// Makes a full bucket, which admits `burst` requests at once.
    package init(rate: Double, burst: Double, at now: ContinuousClock.Instant) {
        (self.rate, self.burst, tokens, filled) = (rate, burst, burst, now)
    }

    /// Takes one token, which admits one request; returns false if there is none.
    package mutating func take(at now: ContinuousClock.Instant) -> Bool {
        (tokens, filled) = (content(at: now), now)
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }

    package func isFull(at now: ContinuousClock.Instant) -> Bool { content(at: now) >= burst }

    private func content(at now: ContinuousClock.Instant) -> Double {
        min(burst, tokens + rate * ((now - filled) / .seconds(1)))
    }
}
