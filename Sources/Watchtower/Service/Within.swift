/// Waits for work, but no longer than `limit`; whether it was done by then.
///
/// What is not done by then goes on by itself: nothing that hangs can be made to end.
package func within(_ limit: Duration, _ work: @escaping @Sendable () async -> Void) async -> Bool {
    let (answers, answer) = AsyncStream<Bool>.makeStream()
    Task {
        await work()
        answer.yield(true)
    }
    let clock = Task {
        try await Task.sleep(for: limit)
        answer.yield(false)
    }
    defer { clock.cancel() }
    return await answers.first { _ in true } ?? false
}
