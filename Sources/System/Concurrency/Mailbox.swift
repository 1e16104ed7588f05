import Synchronization

/// Delivers messages from any thread to one task, which waits for them up to a deadline.
package final class Mailbox<Message: Sendable>: Sendable {
    private struct State {
        var waiting: [Message] = []
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let timeout: Message
    private let state = Mutex(State())

    /// Makes a mailbox; `timeout` is the message returned if none arrived in time.
    package init(timeout: Message) { self.timeout = timeout }

    package func send(_ message: Message) {
        wake { $0.waiting.append(message) }
    }

    /// Returns the next message in order, or the timeout at `until` or when the task is cancelled.
    package func next(until: ContinuousClock.Instant?) async -> Message {
        let alarm = until.map { CancellableTimer(at: $0) { [self] in wake { _ in } } }
        defer { alarm?.cancel() }
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
