import Checkpoints
import SystemSupport
import TestSupport
import Testing
import Training

@Suite("Training")
struct GradientTests {
    @Test("loss and the gradient of every parameter are the reference's", arguments: TrainingCase.names)
    func gradients(_ name: String) throws {
        let item = try TrainingCase(name)
        let parameters = try item.parameters(Float.self)
        let (loss, gradient) = item.model.evaluate(
            try item.batch(Float.self), parameters, freezing: item.freezing)
        let tolerance = item.description.tolerance
        #expect(abs(loss - item.description.loss) <= tolerance.loss)
        let golden = try item.expected("grads")
        let trained = item.model.layout.entries.filter { item.freezing.isTrained($0.name) }
        #expect(Set(trained.map(\.name)) == Set(golden.tensors.keys))
        for entry in trained {
            let expected = try golden.floats(entry.name, shape: entry.shape)
            let found = Array(gradient[entry.range])
            let excess = worstExcess(found, expected, rtol: tolerance.grad_rtol)
            #expect(excess <= tolerance.grad_atol, "\(entry.name)")
            let (error, size) = norms(found, expected, entry.name)
            #expect(error <= 1e-3 * size, "\(entry.name): \(error) of \(size)")
        }
    }

    /// The lengths of the difference and of the expected gradient, without entries that are only rounding errors.
    private func norms(_ found: [Float], _ expected: [Float], _ name: String) -> (error: Double, size: Double) {
        var (error, size) = (0.0, 0.0)
        for (index, (a, b)) in zip(found, expected).enumerated()
        where !TrainingCase.isNull(name, index, of: found.count) {
            error += Double(a - b) * Double(a - b)
            size += Double(b) * Double(b)
        }
        return (error.squareRoot(), size.squareRoot())
    }

    @Test("in double precision, gradients are what finite differences say", arguments: TrainingCase.names)
    func finiteDifferences(_ name: String) throws {
        let item = try TrainingCase(name)
        let parameters = try item.parameters(Double.self)
        let batch = try item.batch(Double.self)
        let gradient = item.model.evaluate(batch, parameters).gradient
        var random = SeededRandom(seed: 5)
        for entry in item.model.layout.entries {
            // Along a random direction of the whole tensor.
            let direction = entry.range.map { _ in random.normal() }
            let size = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
            func loss(_ step: Double) -> Double {
                var moved = parameters
                for (index, d) in zip(entry.range, direction) { moved[index] += step * d / size }
                return item.model.evaluate(batch, moved).loss
            }
            let step = 1e-4
            let measured = (8 * (loss(step) - loss(-step)) - (loss(2 * step) - loss(-2 * step))) / (12 * step)
            let claimed = zip(entry.range, direction).reduce(0) { $0 + gradient[$1.0] * $1.1 / size }
            #expect(abs(measured - claimed) <= 1e-8 + 1e-6 * abs(claimed), "\(entry.name): \(measured), \(claimed)")
        }
    }

    @Test(
        "parameters after three steps are the reference's, and frozen ones the same to the bit",
        arguments: TrainingCase.names)
    func steps(_ name: String) throws {
        let item = try TrainingCase(name)
        let before = try item.parameters(Float.self)
        let batch = try item.batch(Float.self)
        var parameters = before
        var optimiser = BertAdam<Float>(item.model.layout, rates: item.rates, freezing: item.freezing)
        for step in 0..<3 {
            #expect(
                abs(item.rates.factor(step: step) - item.description.optimiser.schedule_factor_per_step[step]) < 1e-12)
            let (loss, gradient) = item.model.evaluate(batch, parameters, freezing: item.freezing)
            #expect(
                abs(loss - item.description.losses_before_each_step[step]) <= item.description.tolerance.loss)
            let norm = optimiser.update(&parameters, gradient)
            let expected = item.description.gradient_norm_before_clipping_each_step[step]
            #expect(abs(norm - expected) <= 1e-3 * expected)
        }
        let golden = try item.expected("step3")
        let tolerance = item.description.tolerance
        for entry in item.model.layout.entries {
            guard golden.has(entry.name) else {
                #expect(item.description.frozen.contains(entry.name), "\(entry.name)")
                #expect(parameters[entry.range] == before[entry.range], "\(entry.name)")
                continue
            }
            let expected = try golden.floats(entry.name, shape: entry.shape)
            var worst = 0.0
            for (index, (a, b)) in zip(parameters[entry.range], expected).enumerated() {
                let isNull = TrainingCase.isNull(entry.name, index, of: expected.count)
                let allowed = isNull ? tolerance.step3_atol_null_gradient : tolerance.step3_atol
                worst = max(worst, Double(abs(a - b)) / allowed)
            }
            #expect(worst <= 1, "\(entry.name)")
        }
    }

    @Test("the scores after training are those that the loss was made of", arguments: TrainingCase.names)
    func scores(_ name: String) throws {
        let item = try TrainingCase(name)
        let batch = try item.batch(Float.self)
        let scores = item.model.scores(batch, try item.parameters(Float.self))
        let loss = ContrastiveLoss.evaluate(scores, count: item.description.batch).loss
        #expect(abs(loss - item.description.loss) <= item.description.tolerance.loss)
    }

    @Test("dropout of the tight head has gradients of its own, the same for a seed")
    func dropout() throws {
        let item = try TrainingCase("tightTransf_2d")
        let parameters = try item.parameters(Double.self)
        let batch = try item.batch(Double.self)
        func evaluate(_ seed: UInt64, _ values: [Double]) -> (loss: Double, gradient: [Double]) {
            item.model.evaluate(batch, values, dropout: (0.1, seed))
        }
        let (loss, gradient) = evaluate(1, parameters)
        #expect(loss == evaluate(1, parameters).loss && loss != evaluate(2, parameters).loss)
        let entry = try #require(item.model.layout.entry("cross.embeddings.position_embeddings.weight"))
        for index in entry.range.prefix(8) {
            func moved(_ step: Double) -> Double {
                var values = parameters
                values[index] += step
                return evaluate(1, values).loss
            }
            let measured = (moved(1e-5) - moved(-1e-5)) / 2e-5
            #expect(abs(measured - gradient[index]) <= 1e-9 + 1e-5 * abs(gradient[index]))
        }
    }
}
