import Measures

/// The limits for requests on the control socket.
package struct ControlLimits: Sendable, Equatable {
    /// The greatest size in bytes of a request other than `query.import`.
    package var request = 16 << 20
    /// The greatest size in bytes of a `query.import` request.
    package var importRequest = 128 << 20
    /// The number of requests a second that one client may send in the long run.
    package var rate = 200.0
    /// The number of requests that one client may send at once.
    package var burst = 1000.0
    /// The number of requests of all clients that may be in progress at once.
    package var inFlight = 64

    package init() {}
}

/// A rate limiter with a token bucket for each client.
///
/// A client may send at most `burst` requests at once, and `rate` a second in the long run.
package struct RateLimit: Sendable {
    private let rate: Double
    private let burst: Double
    private var buckets: [String: TokenBucket] = [:]
    /// The last time at which full buckets were removed; nil before the first time.
    private var swept: ContinuousClock.Instant?
    /// The greatest number of clients with their own bucket; all further ones share one bucket.
    private static let most = 4096

    package init(rate: Double, burst: Double) {
        self.rate = rate
        self.burst = burst
    }

    package mutating func admits(_ peer: String, now: ContinuousClock.Instant = .now) -> Bool {
        var peer = peer
        if buckets[peer] == nil, buckets.count >= Self.most {
            // At most once a second, so that a crowd of clients does not cause a search for each request.
            if swept.map({ now - $0 >= .seconds(1) }) ?? true {
                buckets = buckets.filter { !$0.value.isFull(at: now) }
                swept = now
            }
            if buckets.count >= Self.most { peer = "" }
        }
        var bucket = buckets[peer] ?? TokenBucket(rate: rate, burst: burst, at: now)
        defer { buckets[peer] = bucket }
        return bucket.take(at: now)
    }
}
