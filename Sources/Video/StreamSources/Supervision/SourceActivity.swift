import Synchronization

/// The times at which a source last gave units and pictures; written by streaming threads, read by its supervisor.
package final class SourceActivity: Sendable {
    private let origin = ContinuousClock.now
    /// Nanoseconds since `origin`; 0 for never.
    private let unit = Atomic<Int64>(0)
    private let picture = Atomic<Int64>(0)
    /// The time of the first picture since the last sampled one; 0 if there is none.
    private let unsampled = Atomic<Int64>(0)

    package init() {}

    /// Records that coded data has arrived, decoded or not.
    package func heardUnit() { unit.store(now, ordering: .relaxed) }

    /// Records a decoded picture; returns true for the first.
    package func heardPicture() -> Bool {
        let now = now
        _ = unsampled.compareExchange(expected: 0, desired: now, ordering: .relaxed)
        return picture.exchange(now, ordering: .relaxed) == 0
    }

    /// Records that a picture was sampled, or was due and shed.
    package func sampledPicture() { unsampled.store(0, ordering: .relaxed) }

    /// Records a picture that was not decoded on purpose: the decoder counts as working if it gave one since `asked`.
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
