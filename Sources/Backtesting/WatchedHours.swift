import Matching

/// Whether a query is watched, asked of one moment after another.
struct WatchedHours {
    private let query: StandingQuery
    private var isWatched = false
    /// The answer holds within it.
    private var span = 0.0..<0.0

    init(_ query: StandingQuery) { self.query = query }

    /// `time`: seconds since 1970.
    mutating func contain(_ time: Double) -> Bool {
        if !span.contains(time) {
            isWatched = query.isWatched(at: time)
            span = time..<max(time.nextUp, query.nextChange(after: time) ?? .infinity)
        }
        return isWatched
    }
}
