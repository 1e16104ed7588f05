import Synchronization

/// A clock that goes on when it is told to.
package final class ManualClock: Sendable {
    private let time = Mutex(ContinuousClock.now)

    package init() {}

    package func advance(_ by: Duration) { time.withLock { $0 += by } }
    package var now: ContinuousClock.Instant { time.withLock { $0 } }
}
