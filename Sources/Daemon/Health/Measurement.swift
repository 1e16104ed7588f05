import Foundation
package import Measures

/// The work and the processor time of the daemon since the last measurement.
package struct Measurement: Sendable {
    package var sampled = 0
    /// The sampled frames that kept their embedding.
    package var gated = 0
    /// The sampled frames shed under overload, and the frames dropped from a full queue.
    package var dropped = 0
    /// The windows scored again in float32; `undecided` ones should have been, but were not.
    package var rescored = 0
    package var undecided = 0
    package var events = 0
    package var failedBatches = 0
    /// The latency of each scored frame, from its time stamp on the pipeline's clock until its events were published.
    package var latency = LatencyHistogram()
    /// The processor seconds of each stage; encoding and scoring without the helper threads of a product.
    package var decodeSeconds = 0.0
    package var scaleSeconds = 0.0
    package var encodeSeconds = 0.0
    package var scoreSeconds = 0.0

    static func - (now: Measurement, before: Measurement) -> Measurement {
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
