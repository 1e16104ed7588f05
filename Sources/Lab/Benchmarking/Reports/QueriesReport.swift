/// The results of `watchword bench queries`.
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

    /// The result of the benchmark with one number of queries and one number of windows.
    package struct Result: Encodable, Sendable {
        package let queries: Int
        package let windows: Int
        /// The median time of a search call, in milliseconds.
        package let ms: Double
        package let ms_fastest: Double
        package let ms_slowest: Double
        /// The memory that the index added to the process, in megabytes.
        package let rss_mb: Double
        package let hits: Int
        /// The share of (query, window) pairs that the search could not exclude by its fast byte comparison.
        package let scored_share: Double
        /// The number of (query, window) pairs whose result differs from an exact float64 search.
        package let wrong: Int
        /// The time to add one query, in microseconds.
        package let add_us: Double
        package let remove_us: Double
    }
}
