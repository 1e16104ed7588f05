/// The measurement of `bench queries`.
package struct QueriesReport: Encodable, Sendable {
    private let bench = "queries"
    package let width: Int
    package let threshold: Float
    package let threads: Int
    package let rounds: Int
    package let results: [Result]

    init(width: Int, threshold: Float, threads: Int, rounds: Int, results: [Result]) {
        (self.width, self.threshold, self.threads) = (width, threshold, threads)
        (self.rounds, self.results) = (rounds, results)
    }

    /// The result of one number of queries with one number of windows.
    package struct Result: Encodable, Sendable {
        package let queries: Int
        package let windows: Int
        /// The milliseconds a call.
        package let ms: Double
        package let ms_fastest: Double
        package let ms_slowest: Double
        /// The megabytes that the index added to the process.
        package let rss_mb: Double
        package let hits: Int
        /// The share of pairs that the bound of the byte scan did not exclude.
        package let scored_share: Double
        /// The number of pairs that differ from the float64 result.
        package let wrong: Int
        /// The microseconds to add a query.
        package let add_us: Double
        package let remove_us: Double
    }
}
