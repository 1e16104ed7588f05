import Synchronization

/// Runs tasks one after the other, in the order of the calls, even while one of them waits.
///
/// An actor alone would run other tasks whenever one waits.
package final class SerialTaskQueue: Sendable {
    private let last = Mutex(Task<Void, Never> {})
    private let threads: RequestThreads?

    /// Makes a queue; `threads` is the executor for long work, nil means the cooperative pool.
    package init(on threads: RequestThreads? = nil) { self.threads = threads }

    /// Runs `body` when its turn comes, to its end, even if the caller's task is cancelled.
    package func take<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
        try await enqueue(body).value
    }

    /// Runs `body` when its turn comes; cancels it, or does not begin it, once the caller's task is cancelled.
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
