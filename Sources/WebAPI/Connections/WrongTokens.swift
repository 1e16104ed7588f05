/// Wrong tokens by peer: after a few, the next one is looked at only after a pause that grows.
///
/// Pure; time is given. Nobody is kept waiting: who comes too early is told when to come again.
package struct WrongTokens: Sendable {
    private struct Tally {
        var count = 0
        var last: ContinuousClock.Instant
        /// From when on a token is looked at again.
        var until: ContinuousClock.Instant
        /// Whether a right one came from there, too.
        var isKnown = false
    }

    private var peers: [String: Tally] = [:]
    /// When the forgotten were last looked for.
    private var swept: ContinuousClock.Instant?
    /// Wrong tokens that cost nothing.
    private static let free = 10
    private static let longest = Duration.seconds(60)
    /// After so long without a wrong token a peer is forgotten.
    private static let memory = Duration.seconds(600)
    /// Peers that are told apart; those that come beyond share one tally.
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

    /// How long a peer that has sent too many wrong tokens must wait before one is looked at; nil if it need not.
    package func pause(of peer: String, at now: ContinuousClock.Instant) -> Duration? {
        guard let tally = peers[peer] ?? (peers.count >= Self.most ? peers[""] : nil), now < tally.until else {
            return nil
        }
        return tally.until - now
    }

    /// Whether a right token has come from there lately.
    package func isKnown(_ peer: String) -> Bool { peers[peer]?.isKnown ?? false }

    /// A right token came.
    package mutating func right(_ peer: String, at now: ContinuousClock.Instant) {
        // Only where there were wrong ones is it of any interest.
        guard peers[peer] == nil else {
            peers[peer]?.isKnown = true
            return
        }
        guard peers.count < Self.most else { return }
        peers[peer] = Tally(last: now, until: now, isKnown: true)
    }

    /// A wrong one came, or one that was not looked at; how many there have been from there.
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

    /// Whether so many are worth a line of the log: 1, 10, 100 and so on.
    package static func isTold(_ count: Int) -> Bool {
        var step = 1
        while step < count { step *= 10 }
        return step == count
    }
}
