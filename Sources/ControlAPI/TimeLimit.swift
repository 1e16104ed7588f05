package import Concurrency
import Synchronization

/// How long control operations may take.
package enum TimeLimit {
    /// Seconds that an operation has; a client of ours waits longer, and is told.
    package static func seconds(_ operation: String) -> Double {
        switch operation {
        case "query.import": 3600
        case "query.add", "query.update", "query.test", "query.list", "query.export", "query.backtest",
            "query.suggest", "history.search", "history.remove", "notify.test":
            110
        default: 25
        }
    }

    /// Operations that are on their way at most, those with them that went on after their time was over.
    ///
    /// The sockets let in fewer at once.
    private static let most = 256
    private static let running = Atomic(0)

    /// Runs an operation; when its time is over it is cancelled, and the answer is "timeout", whether it heeds that or
    /// not.
    ///
    /// Of one whose asker has gone, what was begun goes on. `threads`: where it works, if not on an executor of its
    /// own.
    package static func run<Value: Sendable>(
        seconds: Double, on threads: RequestThreads = .short, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        guard running.load(ordering: .relaxed) < most else {
            throw ControlFailure("busy", "too many requests take longer than they may; try again")
        }
        running.wrappingAdd(1, ordering: .relaxed)
        let results = Mailbox<Result<Value, any Error>?>(timeout: nil)
        let work = Task(executorPreference: threads) {
            defer { running.wrappingSubtract(1, ordering: .relaxed) }
            do { results.send(.success(try await body())) } catch { results.send(.failure(error)) }
        }
        if let result = await results.next(until: .now + .seconds(seconds)) { return try result.get() }
        try Task.checkCancellation()
        work.cancel()
        throw ControlFailure(
            "timeout", "timed out after \(Int(seconds)) s; it may have partly completed")
    }
}
