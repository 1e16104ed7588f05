import Ingest
import Testing

@Suite("The filter before decoders")
struct UnitFilterTests {
    /// Verdicts of units 40 ms apart, those of `keyframes` being keyframes.
    private func verdicts(
        _ filter: inout UnitFilter, keyframes: Set<Int>, count: Int
    ) -> [UnitFilter.Verdict] {
        (0..<count).map { filter.verdict(isDelta: !keyframes.contains($0), time: Double($0) * 0.04) }
    }

    @Test("a delta unit reaches the decoder only if all since the last keyframe did", arguments: [1, 2, 3, 4, 5])
    func references(seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15
        var keyframes: Set<Int> = []
        var next = 0
        while next < 5000 {
            keyframes.insert(next)
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // Stretches of frequent and of rare keyframes.
            next += 1 + Int(state >> 33) % ((next / 500).isMultiple(of: 2) ? 25 : 80)
        }
        var filter = UnitFilter(.auto, fps: 1)
        var whole = true
        var dropped = 0
        for (number, verdict) in verdicts(&filter, keyframes: keyframes, count: 5000).enumerated() {
            if keyframes.contains(number) {
                #expect(verdict != .drop)
                whole = true
            } else if verdict == .drop {
                dropped += 1
                whole = false
            } else {
                #expect(whole && verdict == .pass)
            }
        }
        #expect(dropped > 1000 && dropped < 4000 && filter.returns > 2)
    }

    @Test("auto drops from the fourth of as many keyframes as are asked for, and decodes all when they are late")
    func auto() {
        var filter = UnitFilter(.auto, fps: 1)
        let found = verdicts(&filter, keyframes: [0, 25, 50, 75, 100, 200, 225], count: 240)
        #expect(found[..<75].allSatisfy { $0 == .pass })
        #expect(found[75] == .passAndDrain && found[100] == .passAndDrain)
        #expect(found[76..<100].allSatisfy { $0 == .drop } && found[101..<200].allSatisfy { $0 == .drop })
        #expect(found[200...].allSatisfy { $0 == .pass })
        #expect(filter.returns == 1 && !filter.isKeyframesOnly)
    }

    @Test("auto leaves keyframes that are a little too rare, again and again")
    func tooRare() {
        var filter = UnitFilter(.auto, fps: 1)
        let early = Set([0, 25, 50, 75])
        let found = verdicts(&filter, keyframes: early.union([105, 135, 165, 195]), count: 200)
        #expect(found[75] == .passAndDrain && found[105] == .passAndDrain)
        #expect(found[135...].allSatisfy { $0 == .pass } && filter.returns == 1)
    }

    @Test("auto never drops where every unit is a keyframe, or where none comes often enough", arguments: [1, 30])
    func never(every: Int) {
        var filter = UnitFilter(.auto, fps: 1)
        let keyframes = Set(stride(from: 0, to: 500, by: every))
        #expect(verdicts(&filter, keyframes: keyframes, count: 500).allSatisfy { $0 == .pass })
    }

    @Test("all and keyframes do what they say, whatever comes and without time stamps")
    func fixed() {
        var all = UnitFilter(.all, fps: 1)
        var keyframes = UnitFilter(.keyframes, fps: 1)
        for number in 0..<100 {
            let isDelta = !number.isMultiple(of: 7)
            let (one, other) = (
                all.verdict(isDelta: isDelta, time: nil), keyframes.verdict(isDelta: isDelta, time: nil)
            )
            #expect(one == .pass && other == (isDelta ? .drop : .passAndDrain))
        }
    }

    @Test("keyframes that come as often as frames are asked for are all sampled, a little early or late")
    func slack() {
        var sampler = FrameSampler(fps: 2)
        for number in 0..<1000 {
            let jitter = Double((number * 7919) % 41 - 20) / 2000
            let isTaken = sampler.take(Double(number) * 0.5 + jitter, slack: 0.025)
            #expect(isTaken, "keyframe \(number)")
        }
        // Twice as often: one of two, in the long run.
        var halved = FrameSampler(fps: 2)
        let taken = (0..<1000).count {
            halved.take(Double($0) * 0.25 + Double(($0 * 7919) % 41 - 20) / 2000, slack: 0.025)
        }
        #expect((490...510).contains(taken))
    }
}
