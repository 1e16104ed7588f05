import Engine
package import Health
package import Measures
import Messaging
import Sampling

/// Everything the daemon counts, at one moment.
package struct DaemonMetrics: Sendable {
    package let status: DaemonStatus
    package let measures: DaemonHealth.Measures
    /// Processor seconds of coded units and of pictures, by stream.
    package let decoding: [String: (decode: Histogram, scale: Histogram)]
    /// Scores that were looked at, by head: those at a query's threshold or above, and all of contrasts and budgets.
    package let scores: [String: Histogram]
    /// Phases of events that were told: "start", "update", "end".
    package let phases: [String: Int]
    /// Messages that are out, and those that could not be written.
    package let published: Int
    package let unwritable: Int
    /// Clients that CURVE turned away, by reason.
    package let denied: [String: Int]
    /// Share of their sampled frames that live streams keep.
    package let keeps: Double
    package let isReady: Bool
    package let problem: String?
}

extension WatchwordDaemon {
    /// Reads every counter.
    package func metrics() async throws -> DaemonMetrics {
        let streams = await streams.running
        return DaemonMetrics(
            status: try await status(), measures: health.snapshot,
            decoding: Dictionary(
                uniqueKeysWithValues: streams.map { ($0.name, ($0.decoding.decodeTimes, $0.decoding.scaleTimes)) }),
            scores: await engine.lookedAt,
            phases: await alerts.phases, published: await outbox.published, unwritable: await outbox.unwritable,
            denied: gate?.denied ?? [:],
            keeps: queue.share.value, isReady: health.isReady, problem: health.problem)
    }
}
