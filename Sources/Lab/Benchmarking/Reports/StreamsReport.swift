/// The results of `watchword bench streams`.
package struct StreamsReport: Encodable, Sendable {
    private let bench = "streams"
    package let model: String
    package let precision: String
    package let queries: Int
    /// The results of the runs, in the order in which they were made.
    package let results: [Result]

    package init(model: String, precision: String, queries: Int, results: [Result]) {
        (self.model, self.precision, self.queries, self.results) = (model, precision, queries, results)
    }

    /// The result of one run with a number of streams.
    package struct Result: Encodable, Sendable {
        package let streams: Int
        package let fps: Double
        package let seconds: Double
        package let sampled: Int
        /// The number of frames that were scored against all queries.
        package let scored: Int
        /// The number of scored frames that reused the previous frame's embedding, since the picture had not changed.
        package let gated: Int
        package let dropped: Int
        /// The number of windows scored in int8 that were scored again in float32.
        package let rescored: Int
        /// The number of windows close to a threshold that were not scored again in float32.
        package let undecided: Int
        package let p50_ms: Int
        package let p99_ms: Int
        package let cpu_s_per_stream_s: Double
        package let rss_mb: Double
        package let peak_rss_mb: Double
        /// The processor time per second of each camera's video, in milliseconds, by stage.
        package let by_stage_ms: Stages
        /// The number of streams of which only keyframes were decoded.
        package let keyframes_only: Int
        /// The processor time of the process that plays the cameras, in seconds per second of each camera's video.
        package let server_cpu_s_per_stream_s: Double
        /// True if streams were sampled at the full rate and every sampled frame was scored, 99 of 100 within a second.
        package let carried: Bool
    }

    /// The processor time per second of each camera's video, in milliseconds, by stage.
    package struct Stages: Encodable, Sendable {
        /// The time of receiving and parsing packets: that of GStreamer's threads, without decoding and scaling.
        package let receive: Double
        package let decode: Double
        package let scale: Double
        /// The time of computing embeddings, including helper threads, and of writing the daemon's messages.
        package let encode: Double
        package let score: Double
        package let other: Double
    }
}
