/// Leaves out samples of one stream evenly under overload, as early as possible.
///
/// A keyframe that is shed is not decoded, and a picture that is shed is not resized. Keyframes that are no samples are
/// not decoded either. The first sample is always kept, so that an opened stream shows that it plays.
package struct SampleShedding: Sendable {
    package enum Verdict: Sendable { case keep, leaveOut, notDue }

    /// Tells which keyframes would be sampled after decoding.
    private var sampler: FrameSampler
    private let slack: Double
    /// The credit towards the next kept sample: each due sample adds the share, a kept one costs 1.
    private var credit: Double
    private var isFirst = true

    /// Makes a shedder; `phase` (0 to 1) is random, so that streams opened together keep different samples.
    package init(fps: Double, phase: Double = .random(in: 0..<1)) {
        credit = phase
        sampler = FrameSampler(fps: fps)
        slack = UnitFilter.tolerance / fps
    }

    /// Whether a due sample is kept.
    package mutating func keeps(_ share: Double) -> Bool {
        guard !isFirst else {
            isFirst = false
            return true
        }
        credit += share
        guard credit >= 1 else { return false }
        credit -= 1
        return true
    }

    /// Decides on a keyframe at `time` (seconds) that no later decoded picture refers to.
    ///
    /// `isSparse`: the next keyframe is about a sampling interval away, so that a slightly early one is accepted.
    package mutating func verdict(onKeyframeAt time: Double, isSparse: Bool = true, share: Double) -> Verdict {
        guard sampler.take(time, slack: isSparse ? slack : 0) else { return .notDue }
        return keeps(share) ? .keep : .leaveOut
    }
}
