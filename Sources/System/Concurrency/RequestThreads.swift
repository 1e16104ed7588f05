import DequeModule
import Foundation

/// Threads of their own for what requests ask of the daemon: reading, checking, and writing the answer.
///
/// A task that prefers them leaves the cooperative pool alone, whatever its request holds; actors without an executor
/// run here on its behalf. At most one job waits for each request in progress, and their number is limited by the
/// sockets.
// @unchecked: `condition` guards `jobs`; the threads are only started
package final class RequestThreads: TaskExecutor, @unchecked Sendable {
    /// Requests of so many bytes go to `bulk`.
    package static let large = 65_536

    /// Requests that are short, and so are their answers.
    package static let short = RequestThreads("watchword.requests", threads: 2)
    /// Imports, lists, replays and large requests: they may take seconds, and hold up only each other.
    package static let bulk = RequestThreads("watchword.bulk", threads: 2)

    /// Streams of live pictures: what they cost is at most one core, and holds up no request.
    package static let live = RequestThreads("watchword.live", threads: 1)

    /// The threads for a request of so many bytes.
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
