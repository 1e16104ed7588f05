import Synchronization

/// Does one thing after the other, in the order they were asked for, however long each waits.
///
/// An actor alone lets others in wherever it waits.
package final class SerialTaskQueue: Sendable {
    private let last = Mutex(Task<Void, Never> {})
    private let threads: RequestThreads?

    /// `threads`: where it is done, if what is done may be long; else on the cooperative pool.
    package init(on threads: RequestThreads? = nil) { self.threads = threads }

    /// Does something when its turn comes, to its end, whatever becomes of its asker.
    package func take<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
        try await enqueue(body).value
    }

    /// The same of something that is given up once the asker's task is cancelled, or not begun.
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
