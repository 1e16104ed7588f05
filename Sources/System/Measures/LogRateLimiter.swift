/// Lets a repeated log line through once a minute, with the number of repetitions.
///
/// It is pure: the caller passes the time.
package struct LogRateLimiter<Kind: Hashable & Sendable>: Sendable {
    package static var pace: Duration { .seconds(60) }

    private var told: [Kind: (at: ContinuousClock.Instant, unsaid: Int)] = [:]
    /// The greatest number of kinds that are counted separately.
    private let maxKinds: Int

    package init(maxKinds: Int = 256) { self.maxKinds = maxKinds }

    /// Whether this kind can be counted separately; false if there were too many kinds within a minute.
    package mutating func hasPlace(for kind: Kind, at now: ContinuousClock.Instant) -> Bool {
        if told[kind] != nil || told.count < maxKinds { return true }
        told = told.filter { now - $0.value.at < Self.pace }
        return told.count < maxKinds
    }

    /// Counts one of this kind; returns the count since the last line if a line is due, else nil.
    package mutating func take(_ kind: Kind, at now: ContinuousClock.Instant) -> Int? {
        guard let last = told[kind] else {
            told[kind] = (now, 0)
            return 1
        }
        guard now - last.at >= Self.pace else {
            told[kind]?.unsaid += 1
            return nil
        }
        told[kind] = (now, 0)
        return last.unsaid + 1
    }
}
