import Engine
import Matching
import Synchronization

/// The queries with a budget whose thresholds are still to be learnt from the history; of each id the newest.
final class PendingBudgets: Sendable {
    /// Signals that a query was added since the last `take`.
    let news: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation
    private let waiting = Mutex<[String: EmbeddedQuery]>([:])

    init() { (news, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func add(_ queries: [EmbeddedQuery]) {
        waiting.withLock { waiting in for one in queries { waiting[one.query.id] = one } }
        signal.yield()
    }

    func take() -> [EmbeddedQuery] {
        waiting.withLock { waiting in
            defer { waiting = [:] }
            return Array(waiting.values)
        }
    }
}
