import Synchronization

/// Orders what threads do one after the other, where GStreamer alone decides which runs.
///
/// GStreamer starts one thread after another is done, so this costs nothing and guards nothing: it says so in the
/// memory model's own words, which the compiler and ThreadSanitizer understand. Neither sees into GStreamer's locks.
struct HappensBefore: ~Copyable, Sendable {
    private let turn = Atomic<Int>(0)

    /// Begins after all that was passed on.
    borrowing func take() { _ = turn.load(ordering: .acquiring) }

    /// Passes on what this thread has done.
    borrowing func pass() { turn.wrappingAdd(1, ordering: .acquiringAndReleasing) }

    borrowing func whileHeld<R>(_ body: () -> R) -> R {
        take()
        defer { pass() }
        return body()
    }
}
