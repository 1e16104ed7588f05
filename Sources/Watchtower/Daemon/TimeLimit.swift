import Synchronization

/// How long control operations may take.
package enum TimeLimit {
    /// Seconds that an operation has; a client of ours waits longer, and is told.
    static func seconds(_ operation: String) -> Double {
        switch operation {
        case "query.import": 3600
        case "query.add", "query.update", "query.test", "query.list", "query.export": 110
        default: 25
        }
    }

    /// Operations that went on after their time was over; beyond so many, nothing new is begun.
    private static let most = 64
    private static let overdue = Atomic(0)

    /// Runs an operation; when its time is over it is cancelled, and the answer is "timeout", whether it heeds that or not.
    package static func run<Value: Sendable>(
        seconds: Double, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        guard overdue.load(ordering: .relaxed) < most else {
            throw ControlFailure("busy", "too many requests take longer than they may; try again")
        }
        let race = Race<Value>()
        let work = Task {
            let result: Result<Value, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            if !race.finish(result) { overdue.wrappingSubtract(1, ordering: .relaxed) }
        }
        let clock = Task {
            try await Task.sleep(for: .seconds(seconds))
            let late = ControlFailure(
                "timeout", "this took longer than \(Int(seconds)) seconds, and was broken off; look what has come of it"
            )
            // Counted first: the work may end at any moment.
            overdue.wrappingAdd(1, ordering: .relaxed)
            if race.finish(.failure(late)) { work.cancel() } else { overdue.wrappingSubtract(1, ordering: .relaxed) }
        }
        defer { clock.cancel() }
        return try await race.value
    }
}

/// What comes first is the result.
private final class Race<Value: Sendable>: Sendable {
    private enum State {
        case running(CheckedContinuation<Value, any Error>?)
        case done(Result<Value, any Error>)
    }
    private let state = Mutex(State.running(nil))

    /// False if there was a result already.
    func finish(_ result: Result<Value, any Error>) -> Bool {
        let (isFirst, waiting): (Bool, CheckedContinuation<Value, any Error>?) = state.withLock { state in
            guard case .running(let waiting) = state else { return (false, nil) }
            state = .done(result)
            return (true, waiting)
        }
        waiting?.resume(with: result)
        return isFirst
    }

    var value: Value {
        get async throws {
            try await withCheckedThrowingContinuation { continuation in
                let done: Result<Value, any Error>? = state.withLock { state in
                    if case .done(let result) = state { return result }
                    state = .running(continuation)
                    return nil
                }
                if let done { continuation.resume(with: done) }
            }
        }
    }
}
