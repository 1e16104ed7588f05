import Matching

/// Tells whether a query is active at a time of day; keeps the answer, as the times asked for mostly increase.
struct WatchedHours {
    private let query: StandingQuery
    private var isWatched = false
    /// The time span, in seconds since 1970, for which the cached answer holds.
    private var span = 0.0..<0.0

    init(_ query: StandingQuery) { self.query = query }

    /// Returns whether the query is active at `time`, in seconds since 1970.
    mutating func contain(_ time: Double) -> Bool {
        if !span.contains(time) {
            isWatched = query.isWatched(at: time)
            span = time..<max(time.nextUp, query.nextChange(after: time) ?? .infinity)
        }
        return isWatched
    }
}
