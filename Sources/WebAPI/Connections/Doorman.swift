package import Logging
import Messaging
import Synchronization

/// Limits each client address: its wrong tokens, and its requests per second.
package final class Doorman: Sendable {
    private let wrong = Mutex(WrongTokens())
    private let rates: Mutex<RateLimit>
    private let rate: Int
    private let logger: Logger

    /// Makes the limits; a client may make `rate` requests per second on average, and twice as many at once.
    package init(rate: Int, logger: Logger) {
        self.rate = rate
        self.logger = logger
        rates = Mutex(RateLimit(rate: Double(rate), burst: Double(rate) * 2))
    }

    /// Checks a request's token by calling `token`, unless its address has sent too many wrong ones; then throws 429.
    ///
    /// `given` is the token, if there is one. An address that has sent a right token in the last ten minutes is not
    /// blocked, because other clients may share it; neither is this machine's own address. Their wrong tokens are
    /// errors all the same.
    package func check<Known>(
        _ peer: Peer, given: String?, at now: ContinuousClock.Instant = .now, _ token: () throws -> Known
    ) throws -> Known {
        let name = peer.description
        let (pause, isKnown) = wrong.withLock {
            ($0.pause(of: name, at: now), peer.isLoopback || $0.isKnown(name, at: now))
        }
        if given != nil, let pause, !isKnown { throw refused(name, pause, now) }
        do {
            let known = try token()
            if given != nil { wrong.withLock { $0.right(name, at: now) } }
            return known
        } catch let refusal as Refusal where refusal.status == 401 && given != nil {
            if let pause { throw refused(name, pause, now) }
            note(name, now)
            throw refusal
        }
    }

    private func refused(_ peer: String, _ pause: Duration, _ now: ContinuousClock.Instant) -> Refusal {
        note(peer, now)
        let seconds = Int((pause / .seconds(1)).rounded(.up))
        return Refusal(
            429, "too-many-requests", "too many wrong tokens came from this address; wait \(seconds) s",
            headers: ["Retry-After": "\(seconds)"])
    }

    private func note(_ peer: String, _ now: ContinuousClock.Instant) {
        let count = wrong.withLock { $0.wrong(peer, at: now) }
        guard WrongTokens.isTold(count) else { return }
        logger.warning("wrong tokens of http", metadata: ["address": "\(peer)", "times": "\(count)"])
    }

    /// Throws 429 if a client makes too many requests; `key` distinguishes clients of one address.
    package func admit(_ peer: Peer, _ key: String) throws(Refusal) {
        guard rates.withLock({ $0.admits("\(peer) \(key)") }) else {
            throw Refusal(
                429, "too-many-requests", "more than \(rate) requests a second", headers: ["Retry-After": "1"])
        }
    }
}
