import Recording
import Sampling
import Testing

private let format = CodedFormat(codec: .h264, width: 320, height: 240, caps: "video/x-h264")

private func unit(_ bytes: Int, key: Bool = false, at: Double = 0) -> CodedUnit {
    CodedUnit(
        [UInt8](repeating: 1, count: bytes), isKeyframe: key, stamp: at, at: at, arrival: at, format: format)
}

@Suite("The ring of coded units")
struct RingTests {
    @Test("stays within its bytes under any group length and size", arguments: [1, 10, 250, 100_000])
    func bound(group: Int) {
        let ring = UnitRing(bytes: 100_000)
        let session = ring.beginSession()
        for number in 0..<20_000 {
            ring.take(unit(1 + number * 7919 % 3000, key: number % group == 0, at: Double(number)), of: session)
            #expect(ring.status.bytes <= 100_000)
        }
        ring.take(unit(200_000, key: true, at: 1e6), of: session)
        #expect(ring.status.bytes == 0)
    }

    @Test("finds the newest keyframe at or before a moment, else the oldest")
    func keyframes() {
        let ring = UnitRing(bytes: 1_000_000)
        let session = ring.beginSession()
        for second in 0..<10 { ring.take(unit(10, key: second % 4 == 1, at: Double(second)), of: session) }
        #expect([0, 1, 4.9, 5, 8.9, 9, 99].map { ring.keyframe(before: $0)?.unit.at } == [1, 1, 1, 5, 5, 9, 9])
    }

    @Test("says what a slow reader has missed, and takes nothing of an earlier session")
    func gaps() {
        let ring = UnitRing(bytes: 10_000)
        let first = ring.beginSession()
        for number in 0..<5 { ring.take(unit(100, key: number == 0), of: first) }
        let read = ring.units(from: 1, most: 3)
        #expect(read.units.map(\.number) == [1, 2, 3] && !read.hasGap)
        #expect(ring.units(from: 6, most: 3).units.isEmpty && !ring.units(from: 6, most: 3).hasGap)
        for _ in 0..<100 { ring.take(unit(1000), of: first) }
        #expect(ring.units(from: 4, most: 3).hasGap)
        let second = ring.beginSession()
        ring.take(unit(100, key: true), of: first)
        #expect(ring.keyframe(before: 1e9) == nil)
        ring.take(unit(100, key: true), of: second)
        #expect(ring.keyframe(before: 1e9)?.session == second)
    }

    @Test("holds what came since the newest keyframe for those who may soon want it, within its bytes")
    func soon() {
        let ring = UnitRing()
        let session = ring.beginSession()
        #expect(!ring.isWanted)
        ring.expect(true)
        ring.take(unit(10), of: session)
        #expect(ring.isWanted && ring.status.bytes == 0)
        for number in 0..<30 { ring.take(unit(1000, key: number % 10 == 0, at: Double(number)), of: session) }
        #expect(ring.units(from: 0, most: 99).units.map(\.unit.at) == (20..<30).map { Double($0) })
        // A group that is too large is left out to its end.
        for _ in 0..<30 { ring.take(unit(100_000), of: session) }
        #expect(ring.status.bytes == 0 && ring.newestKeyframe == nil)
        ring.take(unit(10, key: true, at: 99), of: session)
        #expect(ring.newestKeyframe?.unit.at == 99)
        ring.expect(false)
        #expect(!ring.isWanted && ring.status.bytes == 0)
    }

    @Test("before a session's first unit it is not known that a stream is not recorded")
    func unknown() {
        let ring = UnitRing(bytes: 10_000)
        #expect(!ring.isUnrecorded)
        let first = ring.beginSession()
        #expect(!ring.isUnrecorded)
        ring.learn(format, of: first)
        ring.take(unit(100, key: true), of: first)
        let second = ring.beginSession()
        #expect(!ring.isUnrecorded)
        ring.refuse("image/jpeg", of: second)
        #expect(ring.isUnrecorded)
    }

    @Test("a kind that is not recorded is said")
    func refusal() {
        let ring = UnitRing(bytes: 10_000)
        ring.refuse("image/jpeg", of: ring.beginSession())
        #expect(ring.status.problem?.hasPrefix("image/jpeg is not recorded: clips are of H.264 and H.265") == true)
        _ = ring.beginSession()
        #expect(ring.status.problem == nil)
    }
}

@Suite("Times of units in a file")
struct UnitTimesTests {
    private func times(_ stamps: [Double?], arrivals: [Double]? = nil) -> [Double] {
        var times = UnitTimes()
        return zip(stamps, arrivals ?? stamps.indices.map { Double($0) * 0.04 }).map { stamp, arrival in
            let unit = CodedUnit([1], isKeyframe: false, stamp: stamp, at: 0, arrival: arrival, format: format)
            return (times.time(of: unit) * 1000).rounded() / 1000
        }
    }

    @Test("are the stamps from the first on, in the order of B-frames too")
    func plain() {
        #expect(times([7, 7.12, 7.04, 7.08, 7.24]) == [0, 0.12, 0.04, 0.08, 0.24])
    }

    @Test("go on where stamps leap, to the future or the past, and where there are none")
    func leaps() {
        #expect(times([7, 7.04, 5000, 5000.04, 5000.08]) == [0, 0.04, 0.08, 0.12, 0.16])
        #expect(times([5000, 5000.04, 0, 0.04]) == [0, 0.04, 0.08, 0.12])
        #expect(times([nil, nil, nil]) == [0, 0.04, 0.08])
    }

    @Test("keep a real gap, and what a network held back")
    func gaps() {
        #expect(times([7, 15], arrivals: [0, 8]) == [0, 8])
        #expect(times([7, 7.04, 7.08, 7.12], arrivals: [0, 6, 6, 6]) == [0, 0.04, 0.08, 0.12])
    }
}

@Suite("Parameter sets before a picture")
struct ParameterSetsTests {
    @Test("are found with start codes of 3 and 4 bytes, and end at the first slice")
    func found() {
        let sets: [UInt8] = [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3]
        let unit: [UInt8] = [0, 0, 0, 1, 9, 16] + sets + [0, 0, 1, 0x65, 7, 0, 0, 1, 0x68, 9]
        #expect(ParameterSets.leading(unit, .h264) == [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3])
        #expect(ParameterSets.leading([0, 0, 1, 0x41, 1, 2], .h264).isEmpty)
        #expect(ParameterSets.leading([0, 0, 1, 0x40, 1, 2, 0, 0, 1, 0x26, 1], .h265) == [0, 0, 0, 1, 0x40, 1, 2])
        #expect(ParameterSets.leading([], .h264).isEmpty)
    }

    private func sets(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap { [0, 0, 0, 1] + $0 } }

    private func format(_ sets: [UInt8], _ codec: VideoCodec = .h264) -> CodedFormat {
        CodedFormat(codec: codec, width: 320, height: 240, caps: "video", parameterSets: sets)
    }

    @Test("of pictures are kept by their numbers, so that a file goes on where a camera sends them in turn")
    func merged() {
        // The numbers 0, 1 and 1 in Exp-Golomb: 1, 010, 010.
        let (sps, zero, one, other): ([UInt8], [UInt8], [UInt8], [UInt8]) =
            ([0x67, 1, 2], [0x68, 0x80, 7], [0x68, 0x40, 8], [0x68, 0x40, 9])
        let first = ParameterSets.merged([], with: sets(sps, one), .h264)
        #expect(first == sets(sps, one))
        let both = ParameterSets.merged(first, with: sets(sps, zero), .h264)
        #expect(both == sets(sps, zero, one))
        #expect(ParameterSets.merged(both, with: sets(sps, one), .h264) == both)
        #expect(ParameterSets.merged(both, with: sets(sps, zero), .h264) == both)
        // One alone, of a known number.
        #expect(ParameterSets.merged(both, with: sets(other), .h264) == sets(sps, zero, other))
        #expect(ParameterSets.merged(both, with: [], .h264) == both)
        #expect(format(both).continues(format(first)) && format(first).continues(format(sets(sps, other))))
        // Another sequence begins anew.
        let next = sets([0x67, 1, 3], zero)
        #expect(ParameterSets.merged(both, with: next, .h264) == next && !format(next).continues(format(both)))
        #expect(!format(both, .h265).continues(format(both)))
        let h265 = ParameterSets.merged(
            sets([0x40, 1, 5], [0x42, 1, 6], [0x44, 1, 0x80]), with: sets([0x44, 1, 0x40]), .h265)
        #expect(h265 == sets([0x40, 1, 5], [0x42, 1, 6], [0x44, 1, 0x80], [0x44, 1, 0x40]))
    }
}
