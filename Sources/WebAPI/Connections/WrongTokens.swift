/// Counts each client's wrong tokens: after 10, further ones are checked only after a growing pause.
///
/// It reads no clock: the caller passes the time. No request waits: one that comes too early is an error, which says
/// how long to wait.
package struct WrongTokens: Sendable {
    private struct Tally {
        var count = 0
        /// The time of the client's last wrong token; of its first right token if it has sent no wrong one.
        var last: ContinuousClock.Instant
        /// The end of the client's pause, before which none of its tokens is checked.
        var until: ContinuousClock.Instant
        /// The time of the client's last right token; nil if it has sent none.
        var right: ContinuousClock.Instant?

        /// Returns true if the client has sent a right token that is not forgotten.
        func isKnown(at now: ContinuousClock.Instant) -> Bool { right.map { now - $0 < WrongTokens.memory } ?? false }
        /// Returns true if nothing of the client need be remembered.
        func isForgotten(at now: ContinuousClock.Instant) -> Bool {
            now - last >= WrongTokens.memory && !isKnown(at: now)
        }
    }

    private var peers: [String: Tally] = [:]
    /// The last time at which clients without recent tokens were removed.
    private var swept: ContinuousClock.Instant?
    /// The number of wrong tokens that a client may send before it must pause.
    private static let free = 10
    private static let longest = Duration.seconds(60)
    /// The time without a wrong token after which a client's count is forgotten; so is a right token after that time.
    private static let memory = Duration.seconds(600)
    /// The greatest number of client addresses with separate counts; all further ones share one count.
    private static let most = 4096

    package init() {}

    private mutating func key(_ peer: String, _ now: ContinuousClock.Instant) -> String {
        if peers[peer] != nil || peers.count < Self.most { return peer }
        // With many unknown clients, the table is searched at most once a second.
        if let swept, now - swept < .seconds(1) { return "" }
        swept = now
        peers = peers.filter { !$0.value.isForgotten(at: now) }
        return peers.count < Self.most ? peer : ""
    }

    /// Returns how long a client must wait before a token of it is checked; nil if it need not wait.
    package func pause(of peer: String, at now: ContinuousClock.Instant) -> Duration? {
        guard let tally = peers[peer] ?? (peers.count >= Self.most ? peers[""] : nil), now < tally.until else {
            return nil
        }
        return tally.until - now
    }

    /// Returns true if a right token has come from this client within the last ten minutes.
    package func isKnown(_ peer: String, at now: ContinuousClock.Instant) -> Bool {
        peers[peer]?.isKnown(at: now) ?? false
    }

    /// Records that a client sent a right token, so that it is not blocked by wrong ones from the same address.
    package mutating func right(_ peer: String, at now: ContinuousClock.Instant) {
        let key = key(peer, now)
        // No client is known by the count that many share.
        guard !key.isEmpty else { return }
        peers[key, default: Tally(last: now, until: now)].right = now
    }

    /// Records a token of a client that was wrong or was not checked; returns the client's count of them.
    package mutating func wrong(_ peer: String, at now: ContinuousClock.Instant) -> Int {
        let key = key(peer, now)
        var tally = peers[key] ?? Tally(last: now, until: now)
        if now - tally.last >= Self.memory { tally.count = 0 }
        tally.count += 1
        tally.last = now
        if tally.count > Self.free, now >= tally.until {
            let doublings = min(tally.count - Self.free - 1, 6)
            tally.until = now + min(.seconds(1 << doublings), Self.longest)
        }
        peers[key] = tally
        return tally.count
    }

    /// Returns true if a count of wrong tokens is logged: 1, 10, 100 and so on.
    package static func isTold(_ count: Int) -> Bool {
        var step = 1
        while step < count { step *= 10 }
        return step == count
    }
}
