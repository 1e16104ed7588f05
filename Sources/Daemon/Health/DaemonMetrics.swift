import Engine
package import Health
package import Measures
import Messaging
import Publishing
import Sampling

/// All counters of the daemon, at one moment.
package struct DaemonMetrics: Sendable {
    package let status: DaemonStatus
    package let measures: DaemonHealth.Measures
    /// The processor seconds of coded units and of pictures, by stream.
    package let decoding: [String: (decode: Histogram, scale: Histogram)]
    /// The scores that were computed, by head: those at a query's threshold or above, and all of contrasts and budgets.
    package let scores: [String: Histogram]
    /// The number of messages sent for each phase of events: "start", "update", "end".
    package let phases: [String: Int]
    /// The number of published messages; `unwritable` ones could not be encoded.
    package let published: Int
    package let unwritable: Int
    /// The clients that CURVE refused, by reason.
    package let denied: [String: Int]
    /// The share of samples that live streams keep.
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
            scores: await engine.scoreHistograms,
            phases: await alerts.phases, published: await outbox.published, unwritable: await outbox.unwritable,
            denied: gate?.denied ?? [:],
            keeps: queue.share.value, isReady: health.isReady, problem: health.problem)
    }
}
