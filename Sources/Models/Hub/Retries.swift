import SystemSupport

/// The number of attempts at something that may pass, and the waits between them.
package struct Retries: Sendable {
    /// Attempts in a row that bring nothing.
    package var fruitless = 5
    /// Attempts altogether, against a server that gives a byte at a time.
    package var all = 1000
    /// Seconds before the second attempt; twice as long before each one after it.
    package var firstWait = 0.5
    package var longestWait = 30.0
    /// Seconds that a server may ask to wait.
    package var longestAskedWait = 300.0

    package init() {}

    /// Attempts until one succeeds or fails for good; `progress` says how much there is so far.
    ///
    /// - Parameter waiting: is told why, and for how many seconds, before each wait.
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
                guard failures < fruitless, attempts < all else {
                    throw HubError(.unavailable, "\(what): \(failure.reason); given up after \(attempts) attempts")
                }
                if let asked = failure.wait, asked > longestAskedWait {
                    throw HubError(
                        .unavailable, "\(what): \(failure.reason), and asks to wait \(Int(asked)) s; try again then")
                }
                if failures == 0 { backoff.reset() }
                let wait = failure.wait ?? backoff.next(chance: Double.random(in: 0...1)) / .seconds(1)
                waiting("\(what): \(failure.reason)", wait)
                try await Task.sleep(for: .seconds(wait))
            }
        }
    }
}
