import CLIP
import Checkpoints
import Engine
import Foundation
import Heads
import Matching
import Pixels
import Sampling
import Tensors
import TestSupport
import Testing

@Suite("Probabilities of models with a sigmoid")
struct SigmoidTests {
    private func explanations(_ model: URL, _ rules: [ThresholdRule]) async throws -> [Explanation] {
        let directory = try ModelDirectory(model)
        let engine = try ScoringEngine(
            model: directory, finder: .standard(first: [Fixtures.plugins]), precision: .f32)
        await engine.addLane("a")
        let side = directory.preprocessing.framing.side
        let picture = Picture(side: side, rgb: (0..<side * side * 3).map { UInt8($0 % 251) })
        let frame = Frame(
            picture: picture, pictureNumber: 0, mediaTime: 0, wallClock: Date(timeIntervalSince1970: 1_000_000),
            discontinuity: true)
        _ = try await engine.process([QueuedItem(stream: "a", item: .frame(frame))])
        var found: [Explanation] = []
        for rule in rules {
            let query = try StandingQuery(id: "q", text: "a red sign", head: "mean", frames: 1, rule: rule)
            found += try await engine.test(query, engine.embed(query))
        }
        return found
    }

    /// The expected values follow SigLIP's definition with the checkpoint's scale and bias, in double precision.
    @Test("explanations show the sigmoid's probability beside a score, and compare contrasts by it")
    func siglip() async throws {
        let model = Fixtures.repository.appending(path: "Tests/Fixtures/families/siglip2_hf/model")
        let weights = try Fixtures.safetensors(model.appending(path: "model.safetensors"))
        let scale = exp(Double(try #require(weights.floats("logit_scale").first)))
        let bias = Double(try #require(weights.floats("logit_bias").first))
        func sigmoid(_ cosine: Double) -> Double { 1 / (1 + exp(-(scale * cosine + bias))) }
        let told = try await explanations(
            model, [.score(0.99), .contrast(against: ["a cat", "two dogs"], probability: 0.999)])
        try #require(told.count == 2)
        let score = try #require(told[0].score)
        #expect(abs(try #require(told[0].probability) - sigmoid(score)) < 1e-4)
        // The threshold is compared with the score, not with the probability.
        #expect(told[0].heldBack?.code == "below-threshold" && told[0].compared == score)
        let all = [score] + told[1].contrasts.map(\.score)
        let sum = all.map(sigmoid).reduce(0, +)
        #expect(all.count == 3 && told[1].compared == told[1].probability)
        #expect(abs(try #require(told[1].probability) - sigmoid(score) / sum) < 1e-4)
        for contrast in told[1].contrasts {
            #expect(abs(contrast.probability - sigmoid(contrast.score) / sum) < 1e-4)
        }
    }

    @Test("a model without a bias gives a score no probability")
    func clip() async throws {
        let told = try await explanations(Fixtures.shapes, [.score(0.99)])
        #expect(told.count == 1 && told[0].score != nil && told[0].probability == nil)
    }
}
