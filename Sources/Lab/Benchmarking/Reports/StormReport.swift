/// The measurement of `bench storm`.
package struct StormReport: Encodable, Sendable {
    private let bench = "storm"
    package let queries: Int
    package let streams: Int
    package let seconds: Double
    /// Windows that the streams' frames make, and those that were scored.
    package let due: Int
    package let scored: Int
    /// Frames that were shed or dropped.
    package let left_out: Int
    /// Phases of events that were told.
    package let starts: Int
    package let updates: Int
    /// Phases that wait to be told, and updates that became one with a newer one.
    package let waiting: Int
    package let coalesced: Int
    /// Messages in the journal, and its size.
    package let messages: Int
    package let journal_mb: Double
    /// Files of pictures, their names, and what they take on the disk.
    package let pictures: Int
    package let picture_names: Int
    package let picture_mb: Double
    package let p50_ms: Int
    package let p99_ms: Int
    /// Processor seconds of the whole process.
    package let cpu_s: Double
    package let rss_mb: Double

    private enum CodingKeys: String, CodingKey {
        case bench, queries, streams, seconds, due, scored, left_out, starts, updates, messages, waiting
        case coalesced, journal_mb, pictures, picture_names, picture_mb, p50_ms, p99_ms, cpu_s, rss_mb
    }
}
