import SystemSupport
import Testing
import Training

@Suite("Losses of decided pairs")
struct LossTests {
    private let videos = 4
    private let texts = 7

    private func scores(_ seed: UInt64) -> [Double] {
        var random = SeededRandom(seed: seed)
        return (0..<texts * videos).map { _ in 3 * random.normal() }
    }

    /// The truth: own pairs are true; of the others, some are true, some false, some undecided.
    private var truth: [Float] {
        var random = SeededRandom(seed: 9)
        return (0..<texts * videos).map { index in
            index / videos == index % videos ? 1 : Float(random.below(3)) / 2
        }
    }

    /// Compares a gradient with finite differences of the loss.
    private func check(_ at: [Double], _ evaluate: ([Double]) -> (loss: Double, gradient: [Double])) {
        let gradient = evaluate(at).gradient
        for index in at.indices {
            func loss(_ step: Double) -> Double {
                var moved = at
                moved[index] += step
                return evaluate(moved).loss
            }
            let measured = (loss(1e-5) - loss(-1e-5)) / 2e-5
            #expect(abs(measured - gradient[index]) <= 1e-9 + 1e-6 * abs(gradient[index]), "\(index)")
        }
    }

    @Test("the gradient of the loss of own pairs is what finite differences say")
    func ownGradient() { check(scores(1)) { OwnPairLoss.evaluate($0, truth: truth, videos: videos) } }

    @Test("the gradient of the loss of decided pairs is what finite differences say")
    func decidedGradient() {
        let weights = DecidedPairLoss.weights(scores(2), truth: truth)
        check(scores(2)) { DecidedPairLoss.evaluate($0, truth: truth, weights: weights) }
    }

    @Test("with everything else false, the loss of own pairs is symmetric cross entropy")
    func ownIsContrastive() {
        let square = Array(scores(3).prefix(16))
        let truth = (0..<16).map { Float($0 / 4 == $0 % 4 ? 1 : 0) }
        let (own, contrastive) = (
            OwnPairLoss.evaluate(square, truth: truth, videos: 4), ContrastiveLoss.evaluate(square, count: 4)
        )
        #expect(abs(own.loss - contrastive.loss) < 1e-12)
        for (a, b) in zip(own.gradient, contrastive.gradient) { #expect(abs(a - b) < 1e-12) }
    }

    @Test("others that happen to be true, and what is undecided, are not pushed away")
    func othersAreLeft() {
        let truth = truth
        let own = OwnPairLoss.evaluate(scores(4), truth: truth, videos: videos).gradient
        let weights = DecidedPairLoss.weights(scores(4), truth: truth)
        let decided = DecidedPairLoss.evaluate(scores(4), truth: truth, weights: weights).gradient
        for index in truth.indices where index / videos != index % videos {
            if truth[index] > 0 { #expect(own[index] == 0) } else { #expect(own[index] > 0) }
            if truth[index] == 0.5 { #expect(decided[index] == 0) }
        }
        #expect(decided.indices.allSatisfy { truth[$0] != 1 || decided[$0] < 0 })
    }
}
