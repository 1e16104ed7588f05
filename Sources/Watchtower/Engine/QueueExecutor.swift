import Dispatch
import Foundation
package import Ingest
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

extension VideoSource {
    /// Opening takes at most so long: some devices and file systems never answer.
    private static let mostOpening = Duration.seconds(30)
    /// The same for stopping: what hangs by then goes on alone.
    private static let mostStopping = Duration.seconds(10)

    /// Starts playing, which may wait for a device or a server; why it could not, if it could not.
    package func startOffPool() async -> SourceError? {
        let problem = Mutex<SourceError?>(nil)
        let hasStarted = await offPool(atMost: Self.mostOpening) {
            do throws(SourceError) { try self.start() } catch { problem.withLock { $0 = error } }
        }
        if hasStarted { return problem.withLock { $0 } }
        Thread { self.stop() }.start()
        return SourceError(
            "\(SourceURI.redacted(description.uri)): it could not be opened within 30 s; "
                + "check that the device, or the disk or network that it lies on, answers")
    }

    /// Stops it, if it lets itself be stopped.
    package func stopOffPool() async { _ = await offPool(atMost: Self.mostStopping) { self.stop() } }
}
