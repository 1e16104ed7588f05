/// Lets a repeated log line through once a minute, with its count.
///
/// Pure; time is given.
package struct LogRateLimiter<Kind: Hashable & Sendable>: Sendable {
    package static var pace: Duration { .seconds(60) }

    private var told: [Kind: (at: ContinuousClock.Instant, unsaid: Int)] = [:]
    /// Kinds that are kept apart.
    private let maxKinds: Int

    package init(maxKinds: Int = 256) { self.maxKinds = maxKinds }

    /// Whether this kind can be told by itself; if not, there are too many within a minute.
    package mutating func hasPlace(for kind: Kind, at now: ContinuousClock.Instant) -> Bool {
        if told[kind] != nil || told.count < maxKinds { return true }
        told = told.filter { now - $0.value.at < Self.pace }
        return told.count < maxKinds
    }

    /// How many there have been of this kind since the last that was told, with this one; nil if it is not to be told
    /// now.
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
