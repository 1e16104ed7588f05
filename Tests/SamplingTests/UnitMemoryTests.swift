import Sampling
import Testing

@Suite("What a stream has seen before its source was opened again")
struct UnitMemoryTests {
    /// The units of an opening that are recognised.
    private func known(_ recall: inout UnitRecall, _ units: some Sequence<UInt64>) -> [UInt64] {
        recall.begin()
        return units.filter { recall.isKnown($0) }
    }

    @Test("the last segments of a playlist come again, and only what follows them is new")
    func tail() {
        var recall = UnitRecall()
        #expect(known(&recall, 1...100).isEmpty)
        #expect(known(&recall, 61...150) == Array(61...100))
        #expect(known(&recall, 151...200).isEmpty)
        #expect(known(&recall, 121...200) == Array(121...200))
        #expect(known(&recall, 121...210) == Array(121...200))
    }

    @Test("a unit that is written otherwise at the beginning, as with parameters before it, hides nothing")
    func otherBeginning() {
        var recall = UnitRecall()
        _ = known(&recall, 1...100)
        #expect(known(&recall, [9061] + Array(62...150)) == Array(62...100))
    }

    @Test("a camera whose film repeats is seen again after its memory's end, and one that shows one picture is, too")
    func repeats() {
        var recall = UnitRecall()
        _ = known(&recall, (0..<90).map { UInt64($0 % 30) })
        // The longest run that may have been seen: all that follows is new, though it looks like what was.
        #expect(known(&recall, (0..<200).map { UInt64($0 % 30) }).count == 90)
        var still = UnitRecall()
        _ = known(&still, repeatElement(7, count: 50))
        #expect(known(&still, repeatElement(7, count: 500)).count == 50)
    }

    @Test("it has a bound, and unknown units end the search")
    func bounds() {
        var recall = UnitRecall()
        let many = UInt64(UnitRecall.maxKept)
        _ = known(&recall, 1...(2 * many))
        // The oldest are forgotten; none of so many is known, so nothing after them is looked for.
        #expect(known(&recall, Array(1...60) + Array((2 * many - 10)...(2 * many))).isEmpty)
        #expect(known(&recall, [1, 2, 3]) == [1, 2, 3])
    }
}
