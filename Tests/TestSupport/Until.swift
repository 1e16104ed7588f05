/// Waits until a condition holds, checked every 20 ms; returns false if it does not hold by the deadline.
package func until(
    deadline: Duration = .seconds(90), _ condition: @Sendable () async throws -> Bool
) async throws -> Bool {
    let end = ContinuousClock.now + deadline
    while try await !condition() {
        if ContinuousClock.now > end { return false }
        try await Task.sleep(for: .milliseconds(20))
    }
    return true
}
