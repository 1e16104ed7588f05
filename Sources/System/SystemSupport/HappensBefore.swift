import Synchronization

/// Tells ThreadSanitizer the order of threads that GStreamer runs one after the other.
///
/// GStreamer's locks already order these threads, so this protects nothing and costs next to nothing. ThreadSanitizer
/// does not see those locks, but it sees the atomic value here.
package struct HappensBefore: ~Copyable, Sendable {
    private let turn = Atomic<Int>(0)

    package init() {}

    /// Makes everything visible to this thread that others did before they called `pass` (an acquiring load).
    package borrowing func take() { _ = turn.load(ordering: .acquiring) }

    /// Makes everything that this thread has done visible to threads that call `take` later.
    package borrowing func pass() { turn.wrappingAdd(1, ordering: .acquiringAndReleasing) }

    package borrowing func whileHeld<R>(_ body: () -> R) -> R {
        take()
        defer { pass() }
        return body()
    }
}
