import Dispatch
import Foundation
import Synchronization

/// A serial executor on its own dispatch queue, for actors whose work must never occupy the cooperative thread pool.
///
/// The scoring engine has one. The outbox (the actor that writes events to the journal and publishes them) has another.
package final class QueueExecutor: SerialExecutor {
    private let queue: DispatchQueue

    package init(label: String) { queue = DispatchQueue(label: label, qos: .userInitiated) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}

/// Runs work that may block on a new thread outside the cooperative pool, and waits for its result.
package func offPool<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
    await withCheckedContinuation { continuation in
        // A dispatch queue would not do: its threads count against the number of threads of the cooperative pool.
        Thread { continuation.resume(returning: body()) }.start()
    }
}

/// Runs throwing work that may block on a new thread outside the cooperative pool, and waits for its result.
package func offPoolThrowing<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await offPool { Result { try body() } }.get()
}
