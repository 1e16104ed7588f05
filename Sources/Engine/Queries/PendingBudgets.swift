import Matching
import Synchronization

/// The queries with a budget of alerts per day that wait for their thresholds to be learnt from the history.
///
/// For each query id, only the newest version is kept.
package final class PendingBudgets: Sendable {
    /// Yields an element after a query was added since the last `take`.
    package let news: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation
    private let waiting = Mutex<[String: EmbeddedQuery]>([:])

    package init() { (news, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    package func add(_ queries: [EmbeddedQuery]) {
        waiting.withLock { waiting in for one in queries { waiting[one.query.id] = one } }
        signal.yield()
    }

    package func take() -> [EmbeddedQuery] {
        waiting.withLock { waiting in
            defer { waiting = [:] }
            return Array(waiting.values)
        }
    }
}
