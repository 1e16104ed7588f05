import DequeModule
import Foundation

/// A task executor on its own threads, for requests to the daemon: reading, checking, and writing the answer.
///
/// A task that prefers this executor never runs on the cooperative pool; actors without an executor of their own also
/// run here when it calls them. The queue of jobs stays short: each request in progress adds at most one, and the
/// sockets limit the number of requests.
// @unchecked: `condition` guards `jobs`; the threads are only started
package final class RequestThreads: TaskExecutor, @unchecked Sendable {
    /// The size in bytes above which a request runs on the `bulk` threads.
    package static let large = 65_536

    /// The two threads for short requests with short answers.
    package static let short = RequestThreads("watchword.requests", threads: 2)
    /// The two threads for imports, lists, replays and large requests.
    ///
    /// Such requests may take seconds; on threads of their own they delay only each other.
    package static let bulk = RequestThreads("watchword.bulk", threads: 2)

    /// The one thread for sending live video: it uses at most one core in total and delays no other request.
    package static let live = RequestThreads("watchword.live", threads: 1)

    /// Returns the threads on which a request of this many bytes runs.
    package static func taking(bytes: Int) -> RequestThreads { bytes > large ? bulk : short }

    private let condition = NSCondition()
    private var jobs = Deque<UnownedJob>()

    private init(_ name: String, threads: Int) {
        for _ in 0..<threads {
            let thread = Thread { [self] in run() }
            thread.name = name
            // As large as the main thread's stack, because the parsers of nested values are recursive.
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
