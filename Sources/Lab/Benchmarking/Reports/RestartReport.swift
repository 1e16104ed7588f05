/// The results of `watchword bench memory --restarts`.
package struct RestartReport: Encodable, Sendable {
    /// Memory, threads and open files of the process after a number of restarts.
    package struct Sample: Encodable, Sendable {
        package let restarts: Int
        package let rss_mb: Double
        package let threads: Int
        package let files: Int

        package init(restarts: Int, rss_mb: Double, threads: Int, files: Int) {
            (self.restarts, self.rss_mb, self.threads, self.files) = (restarts, rss_mb, threads, files)
        }
    }

    package let restarts: Int
    package let seconds: Double
    /// The number of restarts after which a frame was received.
    package let played: Int
    /// The number of GStreamer pipelines that did not stop in time, and were abandoned.
    package let abandoned: UInt64
    /// The growth of memory, in megabytes per 1000 restarts.
    ///
    /// It is the least-squares slope over the samples after the first tenth of the restarts.
    package let mb_per_1000_restarts: Double
    package let samples: [Sample]

    package init(restarts: Int, seconds: Double, played: Int, abandoned: UInt64, samples: [Sample]) {
        (self.restarts, self.seconds, self.played, self.abandoned) = (restarts, seconds, played, abandoned)
        self.samples = samples
        mb_per_1000_restarts = Self.slope(samples.filter { $0.restarts > restarts / 10 }) * 1000
    }

    /// Returns the growth of memory in megabytes per restart, by least squares; 0 with fewer than two samples.
    private static func slope(_ samples: [Sample]) -> Double {
        let (x, y) = (samples.map { Double($0.restarts) }, samples.map(\.rss_mb))
        let count = Double(max(1, samples.count))
        let (meanX, meanY) = (x.reduce(0, +) / count, y.reduce(0, +) / count)
        let square = x.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }
        let product = zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
        return square > 0 ? product / square : 0
    }
}
