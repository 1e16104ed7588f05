import SystemSupport

/// The number of attempts after temporary failures, and the waits between them.
package struct Retries: Sendable {
    /// The greatest number of consecutive attempts that receive nothing.
    package var fruitless = 5
    /// The greatest number of attempts in all, against a server that sends a byte at a time.
    package var all = 1000
    /// The seconds before the second attempt; each later wait is twice as long, up to `longestWait`.
    package var firstWait = 0.5
    package var longestWait = 30.0
    /// The longest wait that a server may ask for, in seconds.
    package var longestAskedWait = 300.0

    package init() {}

    /// Attempts until one succeeds or fails permanently; `progress` returns the bytes received so far.
    ///
    /// Before each wait, `waiting` is called with the reason and the number of seconds.
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
