import Dispatch

/// Runs a short closure once at a given time, unless it is cancelled before; all timers share one dispatch queue.
///
/// A cancelled `Task.sleep` still keeps its timer and 1.7 KB of memory until the time set, which adds up when most
/// waits end early.
// @unchecked: the dispatch source is thread-safe, and this class only cancels it
package final class CancellableTimer: @unchecked Sendable {
    /// The dispatch queue on which all timers run their closures.
    ///
    /// Dispatch's global queues would create extra threads for them.
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
