import Measures

/// Limits of a peer on the control socket.
package struct ControlLimits: Sendable, Equatable {
    /// Bytes of a request.
    package var request = 16 << 20
    /// Bytes of a `query.import`.
    package var importRequest = 128 << 20
    /// Requests a second of one peer, in the long run.
    package var rate = 200.0
    /// Requests that it may send at once.
    package var burst = 1000.0
    /// Requests that are worked on at once, of all peers.
    package var inFlight = 64

    package init() {}
}

/// Tokens by peer: each has `burst` of them, gets `rate` a second back, and pays one a request.
package struct RateLimit: Sendable {
    private let rate: Double
    private let burst: Double
    private var buckets: [String: TokenBucket] = [:]
    /// When those that are full were last taken out.
    private var swept: ContinuousClock.Instant?
    /// Peers that are told apart; those that come beyond share a bucket.
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
