/// Decides which decoded frames are sampled: frame k is the first whose time is not before `k / fps`.
///
/// A frame is taken once. After a gap the next k is the first one after the frame that ended it, so that sampling goes
/// on at the same rate and nothing is caught up.
package struct FrameSampler: Sendable {
    private let fps: Double
    private var next = 0
    private var last = -Double.infinity
    /// Time of the last frame that was sampled.
    private var taken = -Double.infinity

    /// Half a tick of a 90 kHz clock: a time that is `k / fps` but for rounding counts as not before it.
    private static let tolerance = 0.5 / 90_000

    package init(fps: Double) {
        precondition(fps > 0)
        self.fps = fps
    }

    /// Whether the frame at `time` (seconds) is sampled.
    ///
    /// `slack` (seconds) is for keyframes that come about as often as frames are asked for: by a network's jitter one
    /// comes a little before k/fps, and the next is a whole interval away. One that comes as much as `slack` too early
    /// is taken if the last that was taken is nearly an interval old.
    package mutating func take(_ time: Double, slack: Double = 0) -> Bool {
        let beganAnew = time < last - 1
        last = time
        let isDue = time + Self.tolerance >= Double(next) / fps
        guard beganAnew || isDue || slack > 0 && time - taken >= 1 / fps - slack else { return false }
        taken = time
        next = index(after: time + slack)
        return true
    }

    private func index(after time: Double) -> Int {
        max(Int(((time + Self.tolerance) * fps).rounded(.down)), -1) + 1
    }
}
