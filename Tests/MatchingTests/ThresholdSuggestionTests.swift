import Matching
import Testing

@Suite("Thresholds that marks of events suggest")
struct ThresholdSuggestionTests {
    private func thresholds(right: [Double], wrong: [Double], above current: Double? = 0.2) -> [Double] {
        ThresholdSuggestion.thresholds(
            right.map { .init(peak: $0, isRight: true) } + wrong.map { .init(peak: $0, isRight: false) }, above: current
        )
    }

    @Test("where they can be told apart, the threshold lies just above all that was wrong")
    func apart() {
        #expect(thresholds(right: [0.31, 0.35], wrong: [0.2512, 0.22]) == [0.252])
        #expect(thresholds(right: [], wrong: [0.25]) == [0.251])
        // One that is just at a step is silenced, too.
        #expect(thresholds(right: [0.4], wrong: [0.25]).allSatisfy { $0 > 0.25 })
    }

    @Test("where they cannot, those that lose no right event, do most good and silence all are told")
    func mixed() {
        // 0.231 loses none; 0.281 silences three wrong ones for one right one; 0.401 silences all.
        let found = thresholds(right: [0.25, 0.35, 0.38, 0.39], wrong: [0.23, 0.27, 0.275, 0.28, 0.4])
        #expect(found == [0.231, 0.281, 0.401])
    }

    @Test("without a wrong event, and of those below the threshold, nothing is suggested")
    func nothing() {
        #expect(thresholds(right: [0.3], wrong: []).isEmpty && thresholds(right: [], wrong: []).isEmpty)
        #expect(thresholds(right: [0.3], wrong: [0.25], above: 0.26).isEmpty)
        #expect(thresholds(right: [], wrong: [.nan, .infinity]).isEmpty)
        #expect(thresholds(right: [2.5], wrong: [-3.25, 1.5], above: nil) == [1.501])
    }
}
