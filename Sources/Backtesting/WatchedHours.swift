import Matching

/// Tells whether a query is watched at increasing moments, with a cached answer.
struct WatchedHours {
    private let query: StandingQuery
    private var isWatched = false
    /// The time span for which the cached answer holds.
    private var span = 0.0..<0.0

    init(_ query: StandingQuery) { self.query = query }

    /// Whether the query is watched at `time`, in seconds since 1970.
    mutating func contain(_ time: Double) -> Bool {
        if !span.contains(time) {
            isWatched = query.isWatched(at: time)
            span = time..<max(time.nextUp, query.nextChange(after: time) ?? .infinity)
        }
        return isWatched
    }
}
