/// Exponential backoff: the pauses between retries, each twice the last one up to `max`, less a random part.
///
/// The random part keeps several clients that failed together from retrying together. It only shortens pauses.
package struct Backoff: Sendable, Equatable {
    package var first: Duration
    package var max: Duration
    private var upcoming: Duration?

    package init(first: Duration = .seconds(1), max: Duration = .seconds(30)) {
        (self.first, self.max) = (first, max)
    }

    /// Returns the next pause; `chance`, a random number from 0 to 1, shortens it by up to a quarter.
    package mutating func next(chance: Double) -> Duration {
        let pause = min(upcoming ?? first, max)
        upcoming = pause * 2
        return pause * (1 - 0.25 * min(Swift.max(chance, 0), 1))
    }

    /// Starts anew after a success: the next pause is `first` again.
    package mutating func reset() { upcoming = nil }
}
