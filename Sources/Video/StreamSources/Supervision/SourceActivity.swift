import Synchronization

/// The times at which a source last delivered coded data and pictures.
///
/// The source's streaming threads write them, and its supervisor reads them.
package final class SourceActivity: Sendable {
    private let origin = ContinuousClock.now
    /// The time of the last coded data, in nanoseconds since `origin`; 0 if none has arrived.
    private let unit = Atomic<Int64>(0)
    private let picture = Atomic<Int64>(0)
    /// The time of the first picture decoded since the last sampled one, in nanoseconds since `origin`; 0 for none.
    private let unsampled = Atomic<Int64>(0)

    package init() {}

    /// Records that a coded picture has arrived, whether it is decoded or not.
    package func heardUnit() { unit.store(now, ordering: .relaxed) }

    /// Records that a picture was decoded; returns true for the source's first picture.
    package func heardPicture() -> Bool {
        let now = now
        _ = unsampled.compareExchange(expected: 0, desired: now, ordering: .relaxed)
        return picture.exchange(now, ordering: .relaxed) == 0
    }

    /// Records that a picture was sampled, or was to be sampled and was left out because of overload.
    package func sampledPicture() { unsampled.store(0, ordering: .relaxed) }

    /// Records that a picture was left undecoded on purpose, which counts as a decoded one.
    ///
    /// It counts only if the decoder has delivered a picture since `asked`, so that a broken decoder is still noticed.
    package func leftPictureOut(since asked: ContinuousClock.Instant) {
        if let last = instant(picture), last >= asked { picture.store(now, ordering: .relaxed) }
    }

    package var heard: StreamSupervision.Heard {
        StreamSupervision.Heard(
            anything: instant(unit), picture: instant(picture), unsampled: instant(unsampled))
    }

    private var now: Int64 { max(1, Int64((ContinuousClock.now - origin) / .nanoseconds(1))) }

    private func instant(_ time: borrowing Atomic<Int64>) -> ContinuousClock.Instant? {
        let nanoseconds = time.load(ordering: .relaxed)
        return nanoseconds == 0 ? nil : origin + .nanoseconds(nanoseconds)
    }
}
