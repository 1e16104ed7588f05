import Synchronization

/// A queue of messages from any thread to one task, which waits for each message up to a deadline.
package final class Mailbox<Message: Sendable>: Sendable {
    private struct State {
        var waiting: [Message] = []
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let timeout: Message
    private let state = Mutex(State())

    /// Makes an empty mailbox; `timeout` is the value that `next` returns if no message arrives in time.
    package init(timeout: Message) { self.timeout = timeout }

    package func send(_ message: Message) {
        wake { $0.waiting.append(message) }
    }

    /// Waits for the next message; returns the `timeout` value if none arrives before `until` or the task is cancelled.
    ///
    /// Without a deadline (`until` is nil), it waits until a message arrives or the task is cancelled.
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
