import DequeModule
import Foundation

/// Dedicated threads for requests to the daemon: reading, checking, and writing the answer.
///
/// A task that prefers this executor never runs on the cooperative pool, whatever its request contains; actors without
/// an executor of their own run here on its behalf. At most one job waits for each request in progress, and the sockets
/// limit the number of requests.
// @unchecked: `condition` guards `jobs`; the threads are only started
package final class RequestThreads: TaskExecutor, @unchecked Sendable {
    /// The size in bytes above which a request runs on `bulk`.
    package static let large = 65_536

    /// The threads for short requests with short answers.
    package static let short = RequestThreads("watchword.requests", threads: 2)
    /// The threads for imports, lists, replays and large requests, which may take seconds and delay only each other.
    package static let bulk = RequestThreads("watchword.bulk", threads: 2)

    /// The thread for live streams: together they use at most one core, and delay no request.
    package static let live = RequestThreads("watchword.live", threads: 1)

    /// The threads for a request of this many bytes.
    package static func taking(bytes: Int) -> RequestThreads { bytes > large ? bulk : short }

    private let condition = NSCondition()
    private var jobs = Deque<UnownedJob>()

    private init(_ name: String, threads: Int) {
        for _ in 0..<threads {
            let thread = Thread { [self] in run() }
            thread.name = name
            // As large as the main thread's: readers of nested values recurse.
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        condition.withLock { jobs.append(job) }
        condition.signal()
    }

    private func run() {
        while true { next().runSynchronously(on: asUnownedTaskExecutor()) }
    }

    private func next() -> UnownedJob {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let job = jobs.popFirst() { return job }
            condition.wait()
        }
    }
}
