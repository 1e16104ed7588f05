package import Sampling

/// Measures how much later a stream's pictures arrive than the earliest ones did, by their own time stamps.
///
/// The lag grows if a sender's clock is slow, a network or a server holds pictures back, or this machine reads too
/// slowly.
package struct ArrivalLag: Sendable {
    package private(set) var seconds = 0.0
    private var first: ContinuousClock.Instant?
    /// The least delay of an arrival against the picture's own time.
    private var least = 0.0

    package init() {}

    package mutating func observe(_ frame: Frame) {
        observe(mediaTime: frame.mediaTime, at: frame.received, begins: frame.discontinuity)
    }

    /// Adds a picture; with `begins`, earlier ones no longer count.
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
