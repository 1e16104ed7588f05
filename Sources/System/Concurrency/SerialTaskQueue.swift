import Synchronization

/// Runs asynchronous closures one after the other in the order of the calls, each to its end before the next begins.
///
/// An actor would not do: while one of its functions awaits something, the actor runs another.
package final class SerialTaskQueue: Sendable {
    private let last = Mutex(Task<Void, Never> {})
    private let threads: RequestThreads?

    /// Makes an empty queue that runs closures on `threads`; nil means the cooperative pool.
    package init(on threads: RequestThreads? = nil) { self.threads = threads }

    /// Runs `body` after all earlier closures have ended, and returns its result.
    ///
    /// If the caller's task is cancelled, `body` still runs to its end.
    package func take<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
        try await enqueue(body).value
    }

    /// Runs `body` after all earlier closures have ended, and returns its result.
    ///
    /// If the caller's task is cancelled, `body` is cancelled, or is not begun.
    package func takeWhileWanted<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
        let work = enqueue {
            try Task.checkCancellation()
            return try await body()
        }
        return try await withTaskCancellationHandler {
            try await work.value
        } onCancel: {
            work.cancel()
        }
    }

    private func enqueue<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) -> Task<T, any Error> {
        last.withLock { last in
            let before = last
            let work = Task(executorPreference: threads) {
                await before.value
                return try await body()
            }
            last = Task { _ = await work.result }
            return work
        }
    }
}
