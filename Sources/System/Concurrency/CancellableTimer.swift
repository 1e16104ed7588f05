import Dispatch

/// Does something small at a time, on a queue that all alarms share, unless it is let go before.
///
/// Not `Task.sleep`: one that is cancelled keeps its timer, and 1.7 KB, until its time has come, which adds up where
/// waits are long and mostly cut short.
// @unchecked: the source is thread-safe, and only cancelled
package final class CancellableTimer: @unchecked Sendable {
    /// Dispatch's common queues would make threads for alarms.
    private static let queue = DispatchQueue(label: "watchword.alarms")
    private let timer: any DispatchSourceTimer

    package init(at time: ContinuousClock.Instant, _ ring: @escaping @Sendable () -> Void) {
        timer = DispatchSource.makeTimerSource(queue: Self.queue)
        timer.schedule(deadline: .now() + max(.zero, time - .now) / .seconds(1))
        timer.setEventHandler(handler: ring)
        timer.resume()
    }

    package func cancel() { timer.cancel() }

    deinit { timer.cancel() }
}
