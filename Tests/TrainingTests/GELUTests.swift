import SystemSupport
import Tensors
import TestSupport
import Testing
import Training

/// Tests towers with GELU and MLPs of any width, as OpenCLIP's are.
@Suite("Training of towers with GELU")
struct GELUTests {
    private func model() -> TrainingModel {
        let stack = StackShape(width: 8, heads: 2, layers: 2, epsilon: 1e-5, inner: 20, activation: .gelu)
        return TrainingModel(
            head: HeadShape(
                kind: .mean, stack: StackShape(width: 6, heads: 1, layers: 1, epsilon: 1e-12), positions: 8),
            images: ImageShape(stack: stack, patch: 4, side: 8, embedding: 6, spatiotemporal: false),
            texts: TextShape(stack: stack, context: 6, vocabulary: 12, embedding: 6))
    }

    /// The expected values are torch.nn.functional.gelu of torch 2.15.0, to seven digits.
    @Test("the curve is GELU by the error function")
    func curve() {
        let x: [Double] = [-3, -1, -0.5, 0, 0.5, 1, 3]
        let right = [
            -0.0040496940948, -0.158655253931, -0.154268769387, 0, 0.345731230613, 0.841344746069, 2.99595030591,
        ]
        #expect(zip(Double.gelu(x), right).allSatisfy { abs($0 - $1) < 1e-10 })
        #expect(zip(Float.gelu(x.map { Float($0) }), right).allSatisfy { abs(Double($0) - $1) < 1e-6 })
    }

    @Test("in double precision, gradients are what finite differences say")
    func gradients() throws {
        let model = model()
        var random = SeededRandom(seed: 11)
        let parameters = (0..<(model.layout.entries.map(\.range.upperBound).max() ?? 0)).map { _ in
            0.4 * random.normal()
        }
        let pictures = (0..<4 * 3 * 64).map { _ in random.normal() }
        let batch = TrainingBatch<Double>(
            texts: .tokens(TokenBatch([[1, 5, 11, 0, 0, 0], [1, 7, 3, 11, 0, 0]])), frames: .pictures(pictures),
            valid: [2, 2])
        let gradient = model.evaluate(batch, parameters).gradient
        for entry in model.layout.entries {
            let direction = entry.range.map { _ in random.normal() }
            let size = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
            func loss(_ step: Double) -> Double {
                var moved = parameters
                for (index, d) in zip(entry.range, direction) { moved[index] += step * d / size }
                return model.evaluate(batch, moved).loss
            }
            let step = 1e-4
            let measured = (8 * (loss(step) - loss(-step)) - (loss(2 * step) - loss(-2 * step))) / (12 * step)
            let claimed = zip(entry.range, direction).reduce(0) { $0 + gradient[$1.0] * $1.1 / size }
            #expect(abs(measured - claimed) <= 1e-8 + 1e-6 * abs(claimed), "\(entry.name): \(measured), \(claimed)")
        }
    }
}
