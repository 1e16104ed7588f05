/// Leaves samples of one stream out, evenly, before they cost more: a keyframe that is not decoded has only been
/// received, and a picture that is not resized only decoded.
///
/// Keyframes that are no samples are not decoded either. The first sample is kept, whatever the share: a stream that
/// was opened shows that it plays.
package struct SampleShedding: Sendable {
    package enum Verdict: Sendable { case keep, leaveOut, notDue }

    /// Says which keyframes the sampling would take, once decoded.
    private var sampler: FrameSampler
    private let slack: Double
    /// Credit towards the next sample that is kept: each due sample adds the share, a kept one takes 1.
    private var credit: Double
    private var isFirst = true

    /// `phase`: 0 to 1; by chance, or streams that began together would all keep their samples of the same second.
    package init(fps: Double, phase: Double = .random(in: 0..<1)) {
        credit = phase
        sampler = FrameSampler(fps: fps)
        slack = UnitFilter.tolerance / fps
    }

    /// Whether a sample that is due is kept.
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

    /// Verdict on a keyframe at `time` (seconds) to which no picture that is decoded later refers.
    ///
    /// `isSparse`: the next one is about a sampling interval away, so that a little too early is near enough.
    package mutating func verdict(onKeyframeAt time: Double, isSparse: Bool = true, share: Double) -> Verdict {
        guard sampler.take(time, slack: isSparse ? slack : 0) else { return .notDue }
        return keeps(share) ? .keep : .leaveOut
    }
}
