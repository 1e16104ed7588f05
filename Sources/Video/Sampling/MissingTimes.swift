/// Assigns times to pictures that have none, or all the same one.
///
/// Raw streams and MJPEG have no time stamps, and some decoders and cameras give all pictures the same one. A picture
/// of a live source gets its time of arrival, one of a file its position by the file's rate.
package struct MissingTimes: Sendable {
    /// The rate in pictures a second of a file that states none; ffmpeg assumes the same for raw streams.
    package static let assumedRate = 25.0

    private var rate = assumedRate
    private var first: Double?
    private var last: Double?
    private var hasAdvanced = false

    package init() {}

    /// Sets the rate that the stream's format states; 0 if it states none.
    package mutating func learn(rate: Double) { self.rate = rate > 0 && rate.isFinite ? rate : Self.assumedRate }

    /// Restarts for a stream that begins again.
    package mutating func beginAgain() { (first, last, hasAdvanced) = (nil, nil, false) }

    /// The time to assign to a picture; nil if its own is right.
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
        let step = duration.flatMap { $0 > 0 && $0.isFinite ? $0 : nil } ?? 1 / rate
        let time =
            if let arrival = arrival() { max(arrival, last.map { $0 + 1e-3 } ?? 0) } else {
                last.map { $0 + step } ?? stamp ?? 0
            }
        last = time
        return time
    }
}
