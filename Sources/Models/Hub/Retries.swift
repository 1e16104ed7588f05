import SystemSupport

/// The limits of a download's attempts after temporary failures, and the waits between attempts.
package struct Retries: Sendable {
    /// The greatest number of attempts in succession that receive no new bytes.
    package var maxAttemptsWithoutProgress = 5
    /// The greatest number of attempts of one download, against a server that sends one byte at a time.
    package var maxAttempts = 1000
    /// The wait before the second attempt in seconds; each later wait doubles, up to `longestWait`.
    package var firstWait = 0.5
    package var longestWait = 30.0
    /// The longest wait in seconds that a server may ask for (`Retry-After`); the download fails if it asks for more.
    package var longestAskedWait = 300.0

    package init() {}

    /// Repeats `attempt` until it succeeds, fails permanently or exceeds the limits.
    ///
    /// `progress` returns the number of bytes received so far. `waiting` is called before each wait with the reason and
    /// the number of seconds.
    func run<T>(
        _ what: String, progress: () -> Int, waiting: (String, Double) -> Void,
        attempt: () async throws -> T
    ) async throws -> T {
        var (failures, attempts) = (0, 0)
        var backoff = Backoff(first: .seconds(firstWait), max: .seconds(longestWait))
        while true {
            let before = progress()
            do {
                return try await attempt()
            } catch let failure as Transient {
                attempts += 1
                failures = progress() > before ? 0 : failures + 1
                guard failures < maxAttemptsWithoutProgress, attempts < maxAttempts else {
                    throw HubError(.unavailable, "\(what): \(failure.reason); given up after \(attempts) attempts")
                }
                if let asked = failure.wait, asked > longestAskedWait {
                    let seconds = Int(min(asked, 1e9))
                    throw HubError(
                        .unavailable, "\(what): \(failure.reason), and asks to wait \(seconds) s; try again then")
                }
                if failures == 0 { backoff.reset() }
                let wait = failure.wait ?? backoff.next(chance: Double.random(in: 0...1)) / .seconds(1)
                waiting("\(what): \(failure.reason)", wait)
                try await Task.sleep(for: .seconds(wait))
            }
        }
    }
}
