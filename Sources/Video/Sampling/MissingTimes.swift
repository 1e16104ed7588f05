/// Gives a time to pictures that have none, or all the same one.
///
/// Raw streams and MJPEG have no time stamps, and some decoders and cameras stamp all pictures alike. A picture of a
/// live source gets the time at which it came, one of a file its place by the file's rate.
package struct MissingTimes: Sendable {
    /// Pictures a second of a file that does not tell, as ffmpeg takes raw streams.
    package static let assumedRate = 25.0

    private var rate = assumedRate
    private var first: Double?
    private var last: Double?
    private var hasAdvanced = false

    package init() {}

    /// Takes the rate that the stream's format tells; 0 if it tells none.
    package mutating func learn(rate: Double) { self.rate = rate > 0 && rate.isFinite ? rate : Self.assumedRate }

    /// The stream begins again.
    package mutating func beginAgain() { (first, last, hasAdvanced) = (nil, nil, false) }

    /// The time that a picture is to have; nil if its own is right.
    ///
    /// `stamp`: running time of its own; `duration`: how long it is shown, if that is known; `arrival`: now, by the
    /// source's clock, where pictures are taken by that; the clock is asked only for a picture that needs it.
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
