/// The measurement of `bench clips`.
package struct ClipsReport: Encodable, Sendable {
    private let bench = "clips"
    package let streams: Int
    package let seconds: Double
    package let rounds: Int
    /// Coded video of a stream, by the sizes of the clips.
    package let mbit_per_s: Double
    /// Percent of one core that a stream takes: receiving and decoding its keyframes; medians of the rounds.
    package let receive_percent: Double
    /// The cost of holding the coded pictures, and of holding and writing together; by the rounds, too.
    package let hold_percent: Double
    package let write_percent: Double
    package let hold_percent_all: [Double]
    package let write_percent_all: [Double]
    package let clips: Int
    package let cut: Int
    package let failed: Int
    /// Milliseconds from a clip's last picture until its file is there: the median, and the longest.
    package let ready_ms: Int
    package let ready_most_ms: Int
    /// Most that a ring held.
    package let ring_mb: Double

    private enum CodingKeys: String, CodingKey {
        case bench, streams, seconds, rounds, mbit_per_s, receive_percent, hold_percent, write_percent
        case hold_percent_all, write_percent_all, clips, cut, failed, ready_ms, ready_most_ms, ring_mb
    }
}
