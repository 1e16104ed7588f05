/// Leaves out sampled frames of one stream evenly under overload, as early as possible.
///
/// A keyframe that is left out is not decoded, and a picture that is left out is not resized. Keyframes that are not
/// due to be sampled are not decoded either. The first sampled frame is always kept, to show that the stream plays.
package struct SampleShedding: Sendable {
    package enum Verdict: Sendable { case keep, leaveOut, notDue }

    /// The sampler that decides, before decoding, which keyframes are due to be sampled.
    private var sampler: FrameSampler
    private let slack: Double
    /// The credit towards the next frame that is kept: each frame due adds the share to keep, and a kept one costs 1.
    private var credit: Double
    private var isFirst = true

    /// Makes the shedder of one stream; `phase` (0 to 1) is random, so that streams leave out different frames.
    package init(fps: Double, phase: Double = .random(in: 0..<1)) {
        credit = phase
        sampler = FrameSampler(fps: fps)
        slack = UnitFilter.tolerance / fps
    }

    /// Returns true if the next frame that is due to be sampled is kept; `share` (0 to 1) of all are kept.
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

    /// Decides whether a keyframe at `time` (seconds) is decoded: kept, left out under overload, or not due.
    ///
    /// The keyframe must be one that no other decoded picture needs. With `isSparse`, the next one is about a sampling
    /// interval away, so a slightly early one is accepted. `share` (0 to 1) of the frames that are due are kept.
    package mutating func verdict(onKeyframeAt time: Double, isSparse: Bool = true, share: Double) -> Verdict {
        guard sampler.take(time, slack: isSparse ? slack : 0) else { return .notDue }
        return keeps(share) ? .keep : .leaveOut
    }
}
