/// Says when a source is given up, by what it has brought forth.
package struct ProgressWatch: Sendable {
    /// Without any progress a source is given up after so long.
    package static let usual = Duration.seconds(30)
    /// Where none of its threads runs, nothing more can come.
    static let idle = Duration.seconds(3)

    package enum Verdict: Sendable, Equatable { case goesOn, isIdle, isStuck }

    private let limit: Duration
    private var seen: UInt64?
    private var since: ContinuousClock.Instant
    private var idleSince: ContinuousClock.Instant?

    package init(limit: Duration, at now: ContinuousClock.Instant) { (self.limit, since) = (limit, now) }

    /// `isHeld`: whoever takes its frames is not done with one; `isRunning`: some thread of it could go on.
    package mutating func observe(
        _ progress: UInt64, isHeld: Bool, isRunning: Bool, at now: ContinuousClock.Instant
    ) -> Verdict {
        if progress != seen || isHeld {
            (seen, since, idleSince) = (progress, now, nil)
            return .goesOn
        }
        idleSince = isRunning ? nil : idleSince ?? now
        if let idleSince, now - idleSince >= min(Self.idle, limit) { return .isIdle }
        return now - since >= limit ? .isStuck : .goesOn
    }
}
