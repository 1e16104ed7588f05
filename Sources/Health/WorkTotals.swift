import Foundation
package import Measures

/// The work and CPU time of the daemon: totals, or the difference between two measurements.
package struct WorkTotals: Sendable {
    package var sampled = 0
    /// The number of sampled frames with an unchanged picture, which kept the embedding of the frame before.
    package var gated = 0
    /// The number of sampled frames left out because of overload or dropped from a full queue.
    package var dropped = 0
    /// The number of windows scored again in float32; `undecided` counts those for which there was no time.
    package var rescored = 0
    package var undecided = 0
    package var events = 0
    package var failedBatches = 0
    /// The latencies of scored frames: from a frame's time stamp until its events were published.
    package var latency = LatencyHistogram()
    /// The CPU seconds spent on decoding video; the next three properties are those of scaling, encoding and scoring.
    ///
    /// Encoding and scoring exclude the helper threads of matrix products.
    package var decodeSeconds = 0.0
    package var scaleSeconds = 0.0
    package var encodeSeconds = 0.0
    package var scoreSeconds = 0.0

    package init() {}

    package static func - (now: WorkTotals, before: WorkTotals) -> WorkTotals {
        var difference = now
        difference.sampled -= before.sampled
        difference.gated -= before.gated
        difference.dropped -= before.dropped
        difference.rescored -= before.rescored
        difference.undecided -= before.undecided
        difference.events -= before.events
        difference.failedBatches -= before.failedBatches
        difference.decodeSeconds -= before.decodeSeconds
        difference.scaleSeconds -= before.scaleSeconds
        difference.encodeSeconds -= before.encodeSeconds
        difference.scoreSeconds -= before.scoreSeconds
        return difference
    }
}
