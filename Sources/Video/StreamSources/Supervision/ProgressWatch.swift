/// Decides whether a source without progress is stuck and must be closed.
package struct ProgressWatch: Sendable {
    /// The default time without progress after which a source is considered stuck.
    package static let usual = Duration.seconds(30)
    /// The time without progress after which a source is considered idle if all its streaming threads have ended.
    static let idle = Duration.seconds(3)

    package enum Verdict: Sendable, Equatable { case goesOn, isIdle, isStuck }

    private let limit: Duration
    private var seen: UInt64?
    private var since: ContinuousClock.Instant
    private var idleSince: ContinuousClock.Instant?

    package init(limit: Duration, at now: ContinuousClock.Instant) { (self.limit, since) = (limit, now) }

    /// Returns whether the source makes progress, is idle (all its streaming threads have ended), or is stuck.
    ///
    /// `progress` is a counter that changes with each progress. `isHeld` is true while the source waits for its
    /// consumer, which works on a frame; `isRunning` is true if a streaming thread of the source has not ended.
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
