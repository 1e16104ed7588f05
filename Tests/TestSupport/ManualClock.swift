import Synchronization

/// A clock that a test advances.
package final class ManualClock: Sendable {
    private let time = Mutex(ContinuousClock.now)

    package init() {}

    package func advance(_ by: Duration) { time.withLock { $0 += by } }
    package var now: ContinuousClock.Instant { time.withLock { $0 } }
}
