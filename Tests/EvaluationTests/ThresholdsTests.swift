import Evaluation
import SystemSupport
import Testing

@Suite("Thresholds of scores")
struct ThresholdsTests {
    /// Computes F1 and the share of false pairs above a threshold by simple counting.
    private static func count(_ pairs: [(score: Float, isTrue: Bool)], from cut: Double) -> (f1: Double, wrong: Double)
    {
        let found = pairs.filter { Double($0.score) >= cut }
        let hits = found.count(where: \.isTrue)
        let truths = pairs.count(where: \.isTrue)
        return (
            2 * Double(hits) / Double(found.count + truths),
            Double(found.count - hits) / Double(pairs.count - truths)
        )
    }

    @Test("The usual one has the best F1 of all cuts, the quiet one lets at most one false pair of a thousand pass")
    func chosen() throws {
        var random = SeededRandom(seed: 3)
        for _ in 0..<20 {
            // Few different scores, so that many are equal.
            let pairs = (0..<3000).map { _ -> (score: Float, isTrue: Bool) in
                let isTrue = random.below(10) == 0
                return (Float(random.below(40) + (isTrue ? 15 : 0)) / 50, isTrue)
            }
            let found = try #require(Thresholds(pairs))
            let best = Set(pairs.map { Double($0.score) }).map { Self.count(pairs, from: $0).f1 }.max() ?? 0
            #expect(Self.count(pairs, from: found.usual).f1 == best)
            let wrong = Set(pairs.map { Double($0.score) }).sorted().first {
                Self.count(pairs, from: $0).wrong <= 0.001
            }
            #expect(found.quiet == wrong)
        }
    }

    @Test("Pairs of one kind have none")
    func none() {
        #expect(Thresholds([]) == nil)
        #expect(Thresholds([(0.5, true)]) == nil)
        #expect(Thresholds([(0.5, false)]) == nil)
    }
}
