/// What is said again and again, said once a minute and with how often it was.
///
/// Pure; time is given.
struct Complaints {
    static let pace = Duration.seconds(60)

    private var told: [String: (at: ContinuousClock.Instant, since: Int)] = [:]

    /// How many there have been of this kind since the last that was told, with this one; nil if it is not to be told now.
    mutating func take(_ kind: String, at now: ContinuousClock.Instant) -> Int? {
        guard let last = told[kind] else {
            told[kind] = (now, 0)
            return 1
        }
        guard now - last.at >= Self.pace else {
            told[kind]?.since += 1
            return nil
        }
        told[kind] = (now, 0)
        return last.since + 1
    }
}
