/// The results of `watchword bench clips`.
package struct ClipsReport: Encodable, Sendable {
    private let bench = "clips"
    package let streams: Int
    package let seconds: Double
    package let rounds: Int
    /// The rate of a stream's coded video, in megabits per second, computed from the sizes of the clips.
    package let mbit_per_s: Double
    /// The processor time for receiving a stream and decoding its keyframes, in percent of one core; the median of the
    /// rounds.
    package let receive_percent: Double
    /// The additional processor time per stream for keeping coded pictures in memory, in percent of one core; the
    /// median.
    ///
    /// `write_percent` is that for keeping them and writing clips. The lists `..._all` have the values of all rounds.
    package let hold_percent: Double
    package let write_percent: Double
    package let hold_percent_all: [Double]
    package let write_percent_all: [Double]
    package let clips: Int
    package let cut: Int
    package let failed: Int
    /// The median time from a clip's end until its file was ready, in milliseconds; `ready_most_ms` is the longest.
    package let ready_ms: Int
    package let ready_most_ms: Int
    /// The most that a stream's ring of coded pictures (the last ones, in memory) held at once, in megabytes (1e6
    /// bytes).
    package let ring_mb: Double

    private enum CodingKeys: String, CodingKey {
        case bench, streams, seconds, rounds, mbit_per_s, receive_percent, hold_percent, write_percent
        case hold_percent_all, write_percent_all, clips, cut, failed, ready_ms, ready_most_ms, ring_mb
    }
}
