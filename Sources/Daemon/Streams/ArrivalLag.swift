package import Sampling

/// Measures a stream's lag: how many seconds later a frame arrives, by its time stamp, than the promptest frame so far.
package struct ArrivalLag: Sendable {
    package private(set) var seconds = 0.0
    private var first: ContinuousClock.Instant?
    /// The smallest value so far of arrival time (since the first frame) minus media time, in seconds.
    private var least = 0.0

    package init() {}

    package mutating func observe(_ frame: Frame) {
        observe(mediaTime: frame.mediaTime, at: frame.received, begins: frame.discontinuity)
    }

    /// Updates the lag with a frame's media time, in seconds, and its arrival; `begins` restarts the measurement.
    package mutating func observe(mediaTime: Double, at arrival: ContinuousClock.Instant, begins: Bool) {
        guard let first, !begins else {
            (self.first, least, seconds) = (arrival, -mediaTime, 0)
            return
        }
        let behind = (arrival - first) / .seconds(1) - mediaTime
        least = min(least, behind)
        seconds = behind - least
    }
}
