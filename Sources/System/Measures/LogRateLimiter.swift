/// Limits repeated log lines to one a minute for each kind of line, and counts the suppressed ones.
///
/// It reads no clock: the caller passes the time.
package struct LogRateLimiter<Kind: Hashable & Sendable>: Sendable {
    package static var pace: Duration { .seconds(60) }

    private var logged: [Kind: (at: ContinuousClock.Instant, suppressed: Int)] = [:]
    /// The greatest number of kinds of log lines that are counted separately.
    private let maxKinds: Int

    package init(maxKinds: Int = 256) { self.maxKinds = maxKinds }

    /// Returns true if this kind of log line is known or there is room to count one more kind.
    ///
    /// If there is no room, kinds that were not logged within the last minute are forgotten first.
    package mutating func canTrack(_ kind: Kind, at now: ContinuousClock.Instant) -> Bool {
        if logged[kind] != nil || logged.count < maxKinds { return true }
        logged = logged.filter { now - $0.value.at < Self.pace }
        return logged.count < maxKinds
    }

    /// Counts one log line of this kind; returns the number of lines to report if one is due now, else nil.
    ///
    /// The number includes this line and those suppressed since the last one that was logged.
    package mutating func take(_ kind: Kind, at now: ContinuousClock.Instant) -> Int? {
        guard let last = logged[kind] else {
            logged[kind] = (now, 0)
            return 1
        }
        guard now - last.at >= Self.pace else {
            logged[kind]?.suppressed += 1
            return nil
        }
        logged[kind] = (now, 0)
        return last.suppressed + 1
    }
}
