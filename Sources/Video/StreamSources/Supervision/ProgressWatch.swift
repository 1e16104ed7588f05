/// Decides when to give up a source, by its progress.
package struct ProgressWatch: Sendable {
    /// The default time without progress after which a source is given up.
    package static let usual = Duration.seconds(30)
    /// The time without progress after which a source is given up if none of its threads runs.
    static let idle = Duration.seconds(3)

    package enum Verdict: Sendable, Equatable { case goesOn, isIdle, isStuck }

    private let limit: Duration
    private var seen: UInt64?
    private var since: ContinuousClock.Instant
    private var idleSince: ContinuousClock.Instant?

    package init(limit: Duration, at now: ContinuousClock.Instant) { (self.limit, since) = (limit, now) }

    /// Decides at a time whether the source goes on, is idle, or is stuck.
    ///
    /// `isHeld`: the consumer is busy with a frame; `isRunning`: a thread of the source runs.
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
