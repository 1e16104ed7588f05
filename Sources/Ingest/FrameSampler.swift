/// Which decoded frames are sampled: frame k is the first whose time is not before `k / fps`.
///
/// A frame is taken once. After a gap the next k is the first one after the frame that ended it, so that sampling goes on
/// at the same rate and nothing is caught up.
package struct FrameSampler: Sendable {
    private let fps: Double
    private var next = 0
    private var last = -Double.infinity

    /// Half a tick of a 90 kHz clock: a time that is `k / fps` but for rounding counts as not before it.
    private static let tolerance = 0.5 / 90_000

    package init(fps: Double) {
        precondition(fps > 0)
        self.fps = fps
    }

    /// Whether the frame at `time` (seconds) is sampled.
    package mutating func take(_ time: Double) -> Bool {
        let beganAnew = time < last - 1
        last = time
        guard beganAnew || time + Self.tolerance >= Double(next) / fps else { return false }
        next = index(after: time)
        return true
    }

    private func index(after time: Double) -> Int {
        max(Int(((time + Self.tolerance) * fps).rounded(.down)), -1) + 1
    }
}
