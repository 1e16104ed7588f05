/// The results of `watchword bench storm`.
package struct StormReport: Encodable, Sendable {
    private let bench = "storm"
    package let queries: Int
    package let streams: Int
    package let seconds: Double
    /// The number of windows that the streams' frames make; `scored` is the number that was scored.
    package let due: Int
    package let scored: Int
    /// The number of frames that were dropped because of overload.
    package let left_out: Int
    /// The number of event starts that the daemon reported; `updates` is the number of event updates.
    package let starts: Int
    package let updates: Int
    /// The number of event messages that still wait to be reported.
    ///
    /// `coalesced` is the number of updates that were merged with a newer one of the same event.
    package let waiting: Int
    package let coalesced: Int
    /// The number of messages in the daemon's journal; `journal_mb` is the journal's size.
    package let messages: Int
    package let journal_mb: Double
    /// The number of picture files; `picture_names` counts their names (hard links), `picture_mb` their size on disk.
    package let pictures: Int
    package let picture_names: Int
    package let picture_mb: Double
    package let p50_ms: Int
    package let p99_ms: Int
    /// The processor time of the whole process, in seconds.
    package let cpu_s: Double
    package let rss_mb: Double

    private enum CodingKeys: String, CodingKey {
        case bench, queries, streams, seconds, due, scored, left_out, starts, updates, messages, waiting
        case coalesced, journal_mb, pictures, picture_names, picture_mb, p50_ms, p99_ms, cpu_s, rss_mb
    }
}
