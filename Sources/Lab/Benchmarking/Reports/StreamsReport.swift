/// The measurement of `bench streams`.
package struct StreamsReport: Encodable, Sendable {
    private let bench = "streams"
    package let model: String
    package let precision: String
    package let queries: Int
    /// The results of the runs, in their order.
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
        /// The number of scored frames that kept the last embedding, since the picture had not changed.
        package let gated: Int
        package let dropped: Int
        /// The number of int8 windows that were scored again in float32.
        package let rescored: Int
        /// The number of windows close to a threshold that were not scored again.
        package let undecided: Int
        package let p50_ms: Int
        package let p99_ms: Int
        package let cpu_s_per_stream_s: Double
        package let rss_mb: Double
        package let peak_rss_mb: Double
        /// The processor milliseconds a camera-second.
        package let by_stage_ms: Stages
        /// The number of streams of which only keyframes were decoded.
        package let keyframes_only: Int
        /// The processor seconds a camera-second of the process that plays the cameras.
        package let server_cpu_s_per_stream_s: Double
        /// Whether every sampled frame was scored, and 99 of 100 within a second.
        package let carried: Bool
    }

    /// Processor milliseconds a camera-second, by stage.
    package struct Stages: Encodable, Sendable {
        /// The sockets, packets and the parser: all of GStreamer's threads that no other stage counts.
        package let receive: Double
        package let decode: Double
        package let scale: Double
        /// The image tower with its helper threads, and the outbox's writes.
        package let encode: Double
        package let score: Double
        package let other: Double
    }
}
