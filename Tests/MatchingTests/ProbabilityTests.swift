import Foundation
import Matching
import Testing

/// Compares probabilities with their definitions in double precision.
@Suite("Probabilities of contrasts")
struct ProbabilityTests {
    private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    @Test("without a bias, a contrast is a softmax at the model's scale")
    func softmax() {
        let found = ThresholdRule.probability(0.3, against: [0.28, 0.25], scale: 100)
        #expect(abs(Double(found) - 1 / (1 + exp(-2) + exp(-5))) < 1e-5)
    }

    @Test("with a bias, it is the share of the sum of sigmoid probabilities")
    func shares() {
        let found = ThresholdRule.probability(0.9, against: [0.8, 0.5], scale: 10, bias: -10)
        let wanted = sigmoid(-1) / (sigmoid(-1) + sigmoid(-2) + sigmoid(-5))
        #expect(abs(Double(found) - wanted) < 1e-5)
        // What is true of the picture beside something else that is true of it has half; a softmax would give 0.12.
        let both = ThresholdRule.probability(0.9, against: [1.1], scale: 10, bias: 0)
        #expect(abs(Double(both) - sigmoid(9) / (sigmoid(9) + sigmoid(11))) < 1e-5 && both > 0.49)
    }

    @Test("scores that a sigmoid calls unlikely are compared as a softmax compares them")
    func unlikely() {
        let softmax = ThresholdRule.probability(0.12, against: [0.1, 0.11], scale: 100)
        let shares = ThresholdRule.probability(0.12, against: [0.1, 0.11], scale: 100, bias: -40)
        #expect(abs(softmax - shares) < 1e-5)
    }

    @Test("neither form overflows", arguments: [Float(-1e4), 0, 1e4])
    func extremes(_ bias: Float) {
        #expect(ThresholdRule.probability(1, against: [-1], scale: 1e4, bias: bias) >= 0.5)
        #expect(ThresholdRule.probability(-1, against: [1], scale: 1e4, bias: bias) <= 0.5)
    }
}
