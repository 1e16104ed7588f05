/// Assigns times to pictures that have no time stamps, or all the same one.
///
/// Raw streams and MJPEG have none, and some decoders and cameras give all pictures the same one. A picture of a live
/// source gets its time of arrival, one of a file its position by the file's frame rate.
package struct MissingTimes: Sendable {
    /// The frame rate that is assumed for a file that states none; ffmpeg assumes the same for raw streams.
    package static let assumedRate = 25.0
    /// The longest time in seconds that a picture is shown, by its file: a GIF's longest is 655.35 s.
    ///
    /// A longer one is a mistake: added up, such durations exceed any time that can be counted.
    private static let longest = 660.0

    private var rate = assumedRate
    private var first: Double?
    private var last: Double?
    private var hasAdvanced = false

    package init() {}

    /// Sets the frame rate that the stream's format states; 0 if it states none.
    package mutating func learn(rate: Double) { self.rate = rate > 0 && rate.isFinite ? rate : Self.assumedRate }

    /// Forgets the times of the pictures so far, for a file that plays again from its start.
    package mutating func beginAgain() { (first, last, hasAdvanced) = (nil, nil, false) }

    /// Returns the time to assign to a picture, in seconds; nil if its own time is right.
    ///
    /// `stamp` is its own running time; `duration` is how long it is shown, if known; `arrival` is the present time of
    /// the source's clock, evaluated only if needed.
    package mutating func made(
        stamp: Double?, duration: Double?, arrival: @autoclosure () -> Double?
    ) -> Double? {
        if let stamp {
            if first == nil { first = stamp }
            if last == nil || hasAdvanced || stamp > (first ?? stamp) {
                hasAdvanced = hasAdvanced || stamp > (first ?? stamp)
                last = stamp
                return nil
            }
        }
        let step = duration.flatMap { $0 > 0 && $0 <= Self.longest ? $0 : nil } ?? 1 / rate
        let time =
            if let arrival = arrival() { max(arrival, last.map { $0 + 1e-3 } ?? 0) } else {
                last.map { $0 + step } ?? stamp ?? 0
            }
        last = time
        return time
    }
}
