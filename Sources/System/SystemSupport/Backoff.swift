/// Pauses between attempts: each is twice the last one, up to a limit, less a random part.
///
/// The random part only shortens pauses, so that several failures do not retry at once, and no pause exceeds `max`.
package struct Backoff: Sendable, Equatable {
    package var first: Duration
    package var max: Duration
    private var upcoming: Duration?

    package init(first: Duration = .seconds(1), max: Duration = .seconds(30)) {
        (self.first, self.max) = (first, max)
    }

    /// Returns the next pause; `chance` (0 to 1) shortens it by up to a quarter.
    package mutating func next(chance: Double) -> Duration {
        let pause = min(upcoming ?? first, max)
        upcoming = pause * 2
        return pause * (1 - 0.25 * min(Swift.max(chance, 0), 1))
    }

    /// Resets after a success: the next pause is the first one again.
    package mutating func reset() { upcoming = nil }
}
