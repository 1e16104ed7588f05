/// Pauses before something is attempted again: each is twice the one before, up to a limit, less a little chance.
///
/// Chance only shortens them: what failed together does not come back together, and no pause is longer than `max`.
package struct Backoff: Sendable, Equatable {
    package var first: Duration
    package var max: Duration
    private var upcoming: Duration?

    package init(first: Duration = .seconds(1), max: Duration = .seconds(30)) {
        (self.first, self.max) = (first, max)
    }

    /// The next pause; `chance` (0 to 1) takes up to a quarter off it.
    package mutating func next(chance: Double) -> Duration {
        let pause = min(upcoming ?? first, max)
        upcoming = pause * 2
        return pause * (1 - 0.25 * min(Swift.max(chance, 0), 1))
    }

    /// All is well: the next pause is the first again.
    package mutating func reset() { upcoming = nil }
}
