import Sampling
import StreamSources
import Testing

@Suite("The filter before decoders")
struct UnitFilterTests {
    /// The verdicts on units 40 ms apart, of which those in `keyframes` are keyframes.
    private func verdicts(
        _ filter: inout UnitFilter, keyframes: Set<Int>, count: Int
    ) -> [UnitFilter.Verdict] {
        (0..<count).map {
            filter.verdict(isDelta: !keyframes.contains($0), time: Double($0) * 0.04, arrival: Double($0) * 0.04)
        }
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
        var (whole, held) = (true, true)
        var dropped = 0
        for (number, verdict) in verdicts(&filter, keyframes: keyframes, count: 5000).enumerated() {
            if keyframes.contains(number) {
                #expect(verdict != .drop)
                whole = true
                held = true
            } else if verdict == .drop {
                dropped += 1
                whole = false
                held = false
            } else if verdict == .hold {
                whole = false
            } else {
                #expect(verdict == .pass && whole || verdict == .passHeld && held)
                whole = true
            }
        }
        #expect(dropped > 1000 && dropped < 4000 && filter.returns > 2)
    }

    @Test("auto decodes keyframes alone while they come often, and all from the next keyframe on when they do not")
    func auto() {
        var filter = UnitFilter(.auto, fps: 1)
        let keyframes: Set<Int> = [0, 25, 50, 75, 100, 200, 225]
        let found = verdicts(&filter, keyframes: keyframes, count: 240)
        #expect(keyframes.filter { $0 <= 100 }.allSatisfy { found[$0] == .passAndDrain })
        #expect(found.indices.filter { $0 < 75 && !keyframes.contains($0) }.allSatisfy { found[$0] == .hold })
        #expect(found[76..<100].allSatisfy { $0 == .drop } && found[101..<200].allSatisfy { $0 == .drop })
        #expect(found[200...].allSatisfy { $0 == .pass })
        #expect(filter.returns == 1 && !filter.isKeyframesOnly)
    }

    @Test(
        "while streams keep a share of their samples, keyframes that are as much rarer are enough, and no longer than that"
    )
    func share() {
        var filter = UnitFilter(.auto, fps: 1)
        func verdicts(_ units: Range<Int>, share: Double) -> [UnitFilter.Verdict] {
            units.map {
                let time = Double($0) * 0.04
                return filter.verdict(isDelta: !$0.isMultiple(of: 50), time: time, arrival: time, share: share)
            }
        }
        // A keyframe every 2 s is too few for one sample a second, but not for one in 2.5 s.
        _ = verdicts(0..<300, share: 1)
        #expect(!filter.isKeyframesOnly)
        _ = verdicts(300..<600, share: 0.4)
        #expect(filter.isKeyframesOnly)
        #expect(verdicts(600..<900, share: 0.4).allSatisfy { $0 == .drop || $0 == .passAndDrain })
        // With time for all they are too few again.
        _ = verdicts(900..<1200, share: 1)
        #expect(!filter.isKeyframesOnly && filter.returns == 1)
    }

    @Test("a trial under load takes keyframes that are rarer, too")
    func trialUnderLoad() {
        var filter = UnitFilter(.auto, fps: 1)
        for unit in 0..<400 {
            let time = Double(unit) * 0.04
            _ = filter.verdict(isDelta: !unit.isMultiple(of: 40), time: time, arrival: time, share: 0.6)
        }
        #expect(filter.isKeyframesOnly && filter.returns == 0)
    }

    @Test("where the trial fails nothing is lost: what was held is passed, and all after it", arguments: [0, 10])
    func trial(first: Int) {
        var filter = UnitFilter(.auto, fps: 1)
        let found = verdicts(&filter, keyframes: [first, 250], count: 300)
        let end = first + 38
        #expect(found[..<first].allSatisfy { $0 == .hold } && found[first] == .passAndDrain)
        #expect(found[(first + 1)..<end].allSatisfy { $0 == .hold } && found[end] == .passHeld)
        #expect(found[(end + 1)...].allSatisfy { $0 == .pass } && filter.returns == 0)
    }

    @Test("what is held is bounded in bytes, too; beyond that all waits for the next keyframe")
    func heldBytes() {
        var filter = UnitFilter(.auto, fps: 1)
        let found = (0..<60).map {
            filter.verdict(isDelta: $0 > 0, time: Double($0) * 0.04, arrival: Double($0) * 0.04, bytes: 1 << 20)
        }
        // The keyframe and 15 others have 16 MiB.
        #expect(found[0] == .passAndDrain && found[1..<16].allSatisfy { $0 == .hold })
        #expect(found[16...].allSatisfy { $0 == .drop } && filter.dropsDeltas)
        #expect(filter.verdict(isDelta: false, time: 2.4, arrival: 2.4, bytes: 1 << 20) == .pass)
    }

    @Test("without any keyframe all is passed on after a while")
    func noKeyframe() {
        var filter = UnitFilter(.auto, fps: 1)
        let found = verdicts(&filter, keyframes: [], count: 100)
        #expect(
            found[..<38].allSatisfy { $0 == .hold } && found[38] == .passHeld && found[39...].allSatisfy { $0 == .pass }
        )
    }

    @Test("time that is stretched by a late machine changes nothing while groups have as many units as before")
    func stretched() {
        var filter = UnitFilter(.auto, fps: 1)
        _ = verdicts(&filter, keyframes: [0, 25, 50, 75], count: 100)
        for number in 100..<400 {
            let time = 4 + Double(number - 100) * 0.1
            let verdict = filter.verdict(isDelta: !number.isMultiple(of: 25), time: time, arrival: time)
            #expect(verdict == (number.isMultiple(of: 25) ? .passAndDrain : .drop))
        }
        #expect(filter.returns == 0)
    }

    /// Keyframes come every second, but samples are due every 0.25 s; the time stamps are a camera's, its clock wrong.
    @Test(
        "auto decodes all where keyframes are too rare, whatever the time stamps say",
        arguments: [
            [],  // none
            [0.05],  // on the first unit alone
            [0.0, 0, 0, 0, 0, 0, 0, 0, 0, 0],  // all alike
            [0.049, 1.009, 2.911, 3.022, 4.812, 5.049, 6.711, 7.104, 8.607, 8.8],  // a clock twice too fast
            [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],  // backwards
        ])
    func wrongStamps(ofKeyframes stamps: [Double]) {
        var filter = UnitFilter(.auto, fps: 4)
        let found = (0..<250).map { unit in
            let (group, place) = (unit / 25, Double(unit % 25))
            let stamp = group < stamps.count ? stamps[group] : nil
            let next = group + 1 < stamps.count ? stamps[group + 1] : nil
            let time = place == 0 ? stamp : stamp.flatMap { one in next.map { one + ($0 - one) * place / 25 } }
            return filter.verdict(isDelta: place > 0, time: time, arrival: Double(unit) * 0.04)
        }
        #expect(found[150...].allSatisfy { $0 == .pass } && !filter.isKeyframesOnly)
    }

    @Test("auto leaves keyframes that are a little too rare")
    func tooRare() {
        var filter = UnitFilter(.auto, fps: 1)
        let found = verdicts(&filter, keyframes: [0, 25, 50, 75, 105, 135, 165, 195], count: 200)
        #expect(found[75] == .passAndDrain && found[105] == .passAndDrain)
        #expect(found[135...].allSatisfy { $0 == .pass } && filter.returns == 1)
    }

    @Test("where every unit is a keyframe, auto takes each for itself; and all again when that ends")
    func intraOnly() {
        var filter = UnitFilter(.auto, fps: 1)
        let found = verdicts(&filter, keyframes: Set(0..<100), count: 200)
        #expect(found[1..<10].allSatisfy { $0 == .pass } && found[10..<100].allSatisfy { $0 == .passAndDrain })
        // What refers to keyframes that were perhaps not decoded is dropped; soon that is too long for one sample a
        // second.
        #expect(found[100...].allSatisfy { $0 == .drop } && filter.returns == 1)
        #expect(filter.verdict(isDelta: false, time: 8, arrival: 8) == .pass)
        #expect(filter.verdict(isDelta: true, time: 8.04, arrival: 8.04) == .pass && !filter.isKeyframesOnly)
    }

    @Test("all and keyframes do what they say, whatever comes and without time stamps")
    func fixed() {
        var all = UnitFilter(.all, fps: 1)
        var keyframes = UnitFilter(.keyframes, fps: 1)
        for number in 0..<100 {
            let isDelta = !number.isMultiple(of: 7)
            let (one, other) = (
                all.verdict(isDelta: isDelta, time: nil, arrival: 0),
                keyframes.verdict(isDelta: isDelta, time: nil, arrival: 0)
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
