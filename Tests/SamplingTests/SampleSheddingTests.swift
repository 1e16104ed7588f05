import Sampling
import Testing

@Suite("Leaving samples out")
struct SampleSheddingTests {
    @Test("the share is kept, evenly", arguments: [0.015625, 0.1, 0.37, 0.5, 0.85, 1])
    func even(share: Double) {
        var thinning = SampleShedding(fps: 1)
        let kept = (0..<4096).filter { _ in thinning.keeps(share) }
        // The first is kept out of turn.
        #expect(kept.first == 0 && abs(Double(kept.count) - share * 4096) <= 2)
        let gaps = zip(kept.dropFirst(2), kept.dropFirst()).map(-)
        #expect((gaps.max() ?? 0) <= Int((1 / share).rounded(.up)) && (gaps.min() ?? 0) >= Int(1 / share))
    }

    @Test("streams that begin together do not all keep the samples of the same moment")
    func apart() {
        var streams = (0..<40).map { SampleShedding(fps: 1, phase: Double($0) / 40) }
        #expect(streams.indices.allSatisfy { streams[$0].keeps(0.2) })
        let kept = (0..<100).map { _ in streams.indices.count { streams[$0].keeps(0.2) } }
        #expect(kept.allSatisfy { abs($0 - 8) <= 1 }, "\(kept)")
        var others = (0..<400).map { _ in SampleShedding(fps: 1) }
        #expect(others.indices.allSatisfy { others[$0].keeps(0.2) })
        let found = (0..<10).map { _ in others.indices.count { others[$0].keeps(0.2) } }
        #expect(found.allSatisfy { 30...130 ~= $0 }, "\(found)")
    }

    @Test("when overload begins, streams that have played begin to leave samples out at once")
    func onset() {
        var streams = (0..<40).map { SampleShedding(fps: 1, phase: Double($0) / 40) }
        for second in 0..<10 {
            #expect(streams.indices.allSatisfy { streams[$0].verdict(onKeyframeAt: Double(second), share: 1) == .keep })
        }
        let kept = streams.indices.count { streams[$0].verdict(onKeyframeAt: 10, share: 0.2) == .keep }
        #expect(abs(kept - 8) <= 1, "\(kept)")
    }

    @Test("of keyframes that come more often than samples only those that are due are decoded")
    func keyframes() {
        var thinning = SampleShedding(fps: 1, phase: 0)
        #expect(
            (0..<20).allSatisfy {
                thinning.verdict(onKeyframeAt: Double($0) / 2, share: 1) == ($0.isMultiple(of: 2) ? .keep : .notDue)
            })
        let verdicts = (20..<100).map { thinning.verdict(onKeyframeAt: Double($0) / 2, share: 0.5) }
        #expect(verdicts.count { $0 == .notDue } == 40)
        #expect(verdicts.count { $0 == .leaveOut } == 20 && verdicts.count { $0 == .keep } == 20)
        // One of 25 a second comes on time: nothing is near enough before.
        var dense = SampleShedding(fps: 1, phase: 0)
        let kept = (0..<500).filter { dense.verdict(onKeyframeAt: Double($0) / 25, isSparse: false, share: 1) == .keep }
        #expect(kept == Array(stride(from: 0, to: 500, by: 25)))
        // What is a little early by the network's jitter is due all the same.
        var late = SampleShedding(fps: 1, phase: 0)
        let times = (0..<40).map { Double($0) + ($0.isMultiple(of: 2) ? 0.02 : -0.02) }
        #expect(times.count { late.verdict(onKeyframeAt: $0, share: 0.5) != .notDue } == 40)
    }
}
