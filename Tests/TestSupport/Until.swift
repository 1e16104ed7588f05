/// Waits until a condition holds, which is looked at every 20 ms; false if it does not hold by the deadline.
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
