import Dispatch

/// Runs a short closure at a given time, on a queue shared by all timers, unless it is cancelled before.
///
/// `Task.sleep` keeps a timer and 1.7 KB until its time even if it is cancelled, which adds up when most waits are cut
/// short.
// @unchecked: the source is thread-safe, and only cancelled
package final class CancellableTimer: @unchecked Sendable {
    /// The queue of all timers; Dispatch's global queues would create threads for them.
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
