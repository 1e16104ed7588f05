import Measures

/// The limits of a peer on the control socket.
package struct ControlLimits: Sendable, Equatable {
    /// The greatest size of a request in bytes.
    package var request = 16 << 20
    /// The greatest size of a `query.import` in bytes.
    package var importRequest = 128 << 20
    /// The requests a second of one peer, in the long run.
    package var rate = 200.0
    /// The requests that a peer may send at once.
    package var burst = 1000.0
    /// The requests in progress at once, of all peers.
    package var inFlight = 64

    package init() {}
}

/// A token bucket for each peer: `burst` tokens, of which `rate` a second return; a request costs one.
package struct RateLimit: Sendable {
    private let rate: Double
    private let burst: Double
    private var buckets: [String: TokenBucket] = [:]
    /// The last time at which full buckets were removed.
    private var swept: ContinuousClock.Instant?
    /// The greatest number of peers with their own bucket; further ones share one.
    private static let most = 4096

    package init(rate: Double, burst: Double) {
        self.rate = rate
        self.burst = burst
    }

    package mutating func admits(_ peer: String, now: ContinuousClock.Instant = .now) -> Bool {
        var peer = peer
        if buckets[peer] == nil, buckets.count >= Self.most {
            // Not for each of a crowd.
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
