import Synchronization

/// So many a second on average, twice as many in a burst.
final class RateLimit: Sendable {
    private struct Bucket {
        var tokens: Double
        var filled = ContinuousClock.now
    }

    private let rate: Double
    private let bucket: Mutex<Bucket>

    init(_ rate: Int) {
        self.rate = Double(rate)
        bucket = Mutex(Bucket(tokens: Double(rate) * 2))
    }

    /// Takes one; false if there is none left.
    func take() -> Bool {
        bucket.withLock { bucket in
            let now = ContinuousClock.now
            bucket.tokens = min(rate * 2, bucket.tokens + (now - bucket.filled) / .seconds(1) * rate)
            bucket.filled = now
            guard bucket.tokens >= 1 else { return false }
            bucket.tokens -= 1
            return true
        }
    }
}
