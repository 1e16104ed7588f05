package import Measures
import Synchronization

/// The counters of the web API, which its request handlers write and any thread may read.
package final class WebCounters: Sendable {
    package struct Key: Sendable, Hashable {
        /// The route's path as documented, with arguments in braces; "other" for unknown paths.
        package let route: String
        package let status: Int
    }

    package struct Snapshot: Sendable {
        package var requests: [Key: Int] = [:]
        package var seconds = Histogram.seconds
        package var connections = 0
        package var stalled = 0
        package var displaced = 0
        package var followers = 0
        package var followersRefused = 0
        package var sent = 0
    }

    private let counts = Mutex(Snapshot())

    package init() {}

    package var snapshot: Snapshot { counts.withLock { $0 } }

    func answered(_ route: String, _ status: Int, seconds: Double) {
        counts.withLock { counts in
            counts.requests[Key(route: route, status: status), default: 0] += 1
            counts.seconds.add(seconds)
        }
    }

    func connected(_ change: Int) { counts.withLock { $0.connections += change } }
    func stalled() { counts.withLock { $0.stalled += 1 } }
    func displaced() { counts.withLock { $0.displaced += 1 } }
    func sent(_ messages: Int) { counts.withLock { $0.sent += messages } }

    /// Reserves one of `most` places for clients of endless answers; returns false if none is free.
    func takeFollower(most: Int) -> Bool {
        counts.withLock { counts in
            guard counts.followers < most else {
                counts.followersRefused += 1
                return false
            }
            counts.followers += 1
            return true
        }
    }
    func leaveFollower() { counts.withLock { $0.followers -= 1 } }
}
