/// Wrong tokens of each peer: after a few, the next one is checked only after a growing pause.
///
/// It is pure: the caller passes the time. No request waits: one that comes too early is refused with the time to
/// retry.
package struct WrongTokens: Sendable {
    private struct Tally {
        var count = 0
        var last: ContinuousClock.Instant
        /// The time from which on a token is checked again.
        var until: ContinuousClock.Instant
        /// Whether a right token came from the peer, too.
        var isKnown = false
    }

    private var peers: [String: Tally] = [:]
    /// The last time at which old entries were removed.
    private var swept: ContinuousClock.Instant?
    /// The number of wrong tokens without a pause.
    private static let free = 10
    private static let longest = Duration.seconds(60)
    /// The time without a wrong token after which a peer is forgotten.
    private static let memory = Duration.seconds(600)
    /// The greatest number of peers with separate counts; further ones share one count.
    private static let most = 4096

    package init() {}

    private mutating func key(_ peer: String, _ now: ContinuousClock.Instant) -> String {
        if peers[peer] != nil || peers.count < Self.most { return peer }
        // Not for each of a crowd.
        if let swept, now - swept < .seconds(1) { return "" }
        swept = now
        peers = peers.filter { now - $0.value.last < Self.memory }
        return peers.count < Self.most ? peer : ""
    }

    /// The pause that a peer must make before a token is checked; nil if none.
    package func pause(of peer: String, at now: ContinuousClock.Instant) -> Duration? {
        guard let tally = peers[peer] ?? (peers.count >= Self.most ? peers[""] : nil), now < tally.until else {
            return nil
        }
        return tally.until - now
    }

    /// Whether a right token has come from a peer recently.
    package func isKnown(_ peer: String) -> Bool { peers[peer]?.isKnown ?? false }

    /// Records a right token.
    package mutating func right(_ peer: String, at now: ContinuousClock.Instant) {
        // Only where there were wrong ones is it of any interest.
        guard peers[peer] == nil else {
            peers[peer]?.isKnown = true
            return
        }
        guard peers.count < Self.most else { return }
        peers[peer] = Tally(last: now, until: now, isKnown: true)
    }

    /// Records a token that was wrong or not checked; returns the peer's count.
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

    /// Whether a count is worth a line of the log: 1, 10, 100 and so on.
    package static func isTold(_ count: Int) -> Bool {
        var step = 1
        while step < count { step *= 10 }
        return step == count
    }
}
