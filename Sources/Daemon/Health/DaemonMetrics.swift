import Engine
package import Health
package import Measures
import Messaging
import Publishing
import Sampling

/// A snapshot of all counters of the daemon, for the metrics endpoint.
package struct DaemonMetrics: Sendable {
    package let status: DaemonStatus
    package let measures: DaemonHealth.Measures
    /// The CPU seconds for decoding (`decode`) and scaling (`scale`) of each picture, by stream.
    package let decoding: [String: (decode: Histogram, scale: Histogram)]
    /// The histograms of the scores that heads (models that score a window) have computed, by the head's name.
    ///
    /// For queries with a fixed threshold, only scores that reach it, or nearly do, are counted.
    package let scores: [String: Histogram]
    /// The number of event messages sent for each phase: "start", "update", "end".
    package let phases: [String: Int]
    /// The number of published messages; `unwritable` counts messages that could not be encoded as JSON.
    package let published: Int
    package let unwritable: Int
    /// The number of refused clients and operations by reason; CURVE is ZeroMQ's encryption and access control.
    package let denied: [String: Int]
    /// The share of frames that live streams keep, from 0 to 1; below 1 when the daemon is overloaded.
    package let keeps: Double
    package let isReady: Bool
    package let problem: String?
}

extension WatchwordDaemon {
    /// Collects the values of all counters.
    package func metrics() async throws -> DaemonMetrics {
        let streams = await streams.running
        return DaemonMetrics(
            status: try await status(), measures: health.snapshot,
            decoding: Dictionary(
                uniqueKeysWithValues: streams.map { ($0.name, ($0.decoding.decodeTimes, $0.decoding.scaleTimes)) }),
            scores: await engine.scoreHistograms,
            phases: await alerts.phases, published: await outbox.published, unwritable: await outbox.unwritable,
            denied: gate?.denied ?? [:],
            keeps: queue.share.value, isReady: health.isReady, problem: health.problem)
    }
}
