import Dispatch
import Foundation
import Synchronization

/// One queue for all: each alarm only wakes a task, and Dispatch's common queues would make threads for them.
private let alarms = DispatchQueue(label: "watchword.alarms")

/// Brings what happens on any thread to one waiting task, which waits no longer than it likes.
final class Signals<Signal: Sendable>: Sendable {
    private struct State {
        var waiting: [Signal] = []
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let timeout: Signal
    private let state = Mutex(State())

    /// `timeout`: what is told when nothing has come in time.
    init(timeout: Signal) { self.timeout = timeout }

    func send(_ signal: Signal) {
        wake { $0.waiting.append(signal) }
    }

    /// The next signal in order; the timeout at `until`, or when the task is cancelled.
    func next(until: ContinuousClock.Instant?) async -> Signal {
        let timer = until.map { alarm(at: $0) }
        defer { timer?.cancel() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isReady = state.withLock { state in
                    let isLate = until.map { $0 <= .now } ?? false
                    guard state.waiting.isEmpty, !isLate, !Task.isCancelled else { return true }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            wake { _ in }
        }
        return state.withLock { $0.waiting.isEmpty ? timeout : $0.waiting.removeFirst() }
    }

    /// Wakes the waiter at a time.
    ///
    /// Not `Task.sleep`: one that is cancelled keeps its timer, and memory, until its time has come.
    private func alarm(at until: ContinuousClock.Instant) -> any DispatchSourceTimer {
        let timer = DispatchSource.makeTimerSource(queue: alarms)
        let wait = max(.zero, until - .now)
        timer.schedule(deadline: .now() + wait / .seconds(1))
        timer.setEventHandler { [self] in wake { _ in } }
        timer.resume()
        return timer
    }

    private func wake(_ change: (inout State) -> Void) {
        let waiter = state.withLock { state in
            change(&state)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}

/// Runs something that may block away from the cooperative pool, and waits for it at most so long; whether it came to its end.
///
/// What has not, goes on alone.
func offPool(atMost limit: Duration?, _ body: @escaping @Sendable () -> Void) async -> Bool {
    let ended = Signals(timeout: false)
    Thread {
        body()
        ended.send(true)
    }.start()
    return await ended.next(until: limit.map { .now + $0 })
}
