package import Concurrency
import Synchronization

/// Limits how long control operations may take, to `ControlOperation.timeLimit`.
package enum TimeLimit {
    /// The greatest number of operations running at once, including those that continue after their time limit.
    ///
    /// The sockets admit fewer requests at once, so it is reached only if operations exceed their limits.
    private static let most = 256
    private static let running = Atomic(0)

    /// Runs an operation and returns its result; throws "timeout" and cancels the operation at the time limit.
    ///
    /// An operation that ignores its cancellation continues. It also continues if the caller is cancelled. `threads` is
    /// the executor for operations that have none of their own.
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
