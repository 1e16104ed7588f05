import Dispatch
import Foundation
import Synchronization

/// A serial executor on a dispatch queue of its own: for actors whose work must never sit on the cooperative pool.
///
/// The scoring engine has one (every oneDNN, OpenBLAS and plugin call of the process), the outbox another (every write
/// to the journal and to the publisher's socket).
package final class QueueExecutor: SerialExecutor {
    private let queue: DispatchQueue

    package init(label: String) { queue = DispatchQueue(label: label, qos: .userInitiated) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}

/// Runs something that may block, such as stopping a pipeline, away from the cooperative pool.
package func offPool<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
    await withCheckedContinuation { continuation in
        // A thread of its own: Dispatch's threads are counted against those of the cooperative pool.
        Thread { continuation.resume(returning: body()) }.start()
    }
}
