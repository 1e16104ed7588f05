import Synchronization

/// A memory-ordering marker between threads that GStreamer runs one after the other.
///
/// GStreamer starts one thread after another has finished, so this protects nothing and costs nothing. It states the
/// order in terms of the memory model, for the compiler and ThreadSanitizer, which do not see GStreamer's locks.
struct HappensBefore: ~Copyable, Sendable {
    private let turn = Atomic<Int>(0)

    /// Makes everything visible to this thread that others did before they called `pass` (an acquiring load).
    borrowing func take() { _ = turn.load(ordering: .acquiring) }

    /// Makes everything that this thread has done visible to threads that call `take` later.
    borrowing func pass() { turn.wrappingAdd(1, ordering: .acquiringAndReleasing) }

    borrowing func whileHeld<R>(_ body: () -> R) -> R {
        take()
        defer { pass() }
        return body()
    }
}
