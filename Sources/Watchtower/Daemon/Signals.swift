import Foundation
import Synchronization

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
        let timer = until.map { until in
            Task {
                try await Task.sleep(until: until)
                wake { _ in }
            }
        }
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
