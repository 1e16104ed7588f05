/// Decides which decoded frames are sampled: sample k is the first frame whose time is at least `k / fps`.
///
/// A frame is sampled once. After a gap, k continues after the frame that ended the gap: the rate stays the same, and
/// missed samples are not made up for.
package struct FrameSampler: Sendable {
    private let fps: Double
    private var next = 0
    private var last = -Double.infinity
    /// The time of the last sampled frame, in seconds.
    private var taken = -Double.infinity

    /// The tolerance in seconds, half a tick of a 90 kHz clock: a time equal to `k / fps` up to rounding reaches it.
    private static let tolerance = 0.5 / 90_000

    package init(fps: Double) {
        precondition(fps > 0)
        self.fps = fps
    }

    /// Returns true if the frame at `time` (seconds) is sampled.
    ///
    /// `slack` (seconds) is for keyframes that come about as often as frames are sampled. By network jitter, one may
    /// come a little before `k / fps`, and the next is a whole interval away. A keyframe up to `slack` too early is
    /// sampled if the last sampled frame is nearly an interval old.
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
        // Times and rates come from files: beyond a number of samples that no source reaches, they are cut.
        Int(min(max(-1, ((time + Self.tolerance) * fps).rounded(.down)), 1e15)) + 1
    }
}
