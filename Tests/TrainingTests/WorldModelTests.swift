import Foundation
import SystemSupport
import TestSupport
import Testing
import Training

@Suite("Models that begin from nothing")
struct WorldModelTests {
    private let kinds = (shapes: 3, colours: 2)
    private let texts = TextShape(
        stack: StackShape(width: 8, heads: 2, layers: 1, epsilon: 1e-5), context: 6, vocabulary: 12, embedding: 8)
    private let images = ImageShape(
        stack: StackShape(width: 8, heads: 2, layers: 1, epsilon: 1e-5), patch: 4, side: 8, embedding: 8,
        spatiotemporal: false)

    private func tokens(_ count: Int, _ random: inout SeededRandom) -> TokenBatch {
        TokenBatch((0..<count).map { _ in [10] + (0..<3).map { _ in random.below(10) } + [11] }, endToken: 11)
    }

    /// The truth: own texts are true; of the others, some are true, some false, some undecided.
    private func truth(texts: Int, videos: Int, _ random: inout SeededRandom) -> [Float] {
        (0..<texts * videos).map { $0 / videos == $0 % videos ? 1 : Float(random.below(3)) / 2 }
    }

    private func pictures(_ seed: UInt64) -> PictureBatch<Double> {
        var random = SeededRandom(seed: seed)
        let F = 3
        let labels = (0..<F * 64).map { _ in random.chance(0.4) ? UInt8(1 + random.below(6)) : 0 }
        return PictureBatch(
            pictures: (0..<F * 3 * 64).map { _ in random.normal() }, texts: tokens(5, &random),
            truth: truth(texts: 5, videos: F, &random), labels: labels,
            objects: [
                VisibleObject(picture: 0, shape: 1, colour: 0, x: 0.3, y: 0.6, radius: 0.2, turn: (0.6, 0.8)),
                VisibleObject(picture: 0, shape: 2, colour: 1, x: 0.8, y: 0.2, radius: 0.1, turn: nil),
                VisibleObject(picture: 2, shape: 0, colour: 1, x: 0.5, y: 0.5, radius: 0.14, turn: (1, 0)),
            ])
    }

    private func windows(_ seed: UInt64) -> WindowBatch<Double> {
        var random = SeededRandom(seed: seed)
        let (V, N) = (3, 6)
        return WindowBatch(
            frames: (0..<V * 4 * 8).map { _ in random.normal() }, texts: tokens(N, &random),
            truth: truth(texts: N, videos: V, &random), isStanding: (0..<N).map { $0 % 2 == 0 },
            said: (0..<N).map { [$0 % 3, $0 % 2 == 0 ? nil : 1] },
            questions: [
                ActionQuestion(window: 0, shape: 1, colour: 1, actions: [1, 0, 0.5]),
                ActionQuestion(window: 2, shape: 0, colour: 0, actions: [0, 1, 0]),
            ], whole: (0..<V * 2).map { _ in Float(random.below(3)) / 2 }, seed: 4)
    }

    /// Compares the gradient of every tensor, along a random direction, with finite differences.
    private func check(
        _ layout: ParameterLayout, _ parameters: [Double], _ evaluate: ([Double]) -> Losses<Double>
    ) {
        let gradient = evaluate(parameters).gradient
        var random = SeededRandom(seed: 5)
        for entry in layout.entries {
            let direction = entry.range.map { _ in random.normal() }
            let size = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
            func loss(_ step: Double) -> Double {
                var moved = parameters
                for (index, d) in zip(entry.range, direction) { moved[index] += step * d / size }
                return evaluate(moved).total
            }
            let step = 1e-4
            let measured = (8 * (loss(step) - loss(-step)) - (loss(2 * step) - loss(-2 * step))) / (12 * step)
            let claimed = zip(entry.range, direction).reduce(0) { $0 + gradient[$1.0] * $1.1 / size }
            #expect(abs(measured - claimed) <= 1e-7 + 1e-5 * abs(claimed), "\(entry.name): \(measured), \(claimed)")
        }
    }

    @Test("gradients of towers with side tasks are what finite differences say", arguments: [UInt64(1), 2])
    func towers(_ seed: UInt64) {
        let model = TowersModel(images: images, texts: texts, kinds: kinds)
        let start = FreshTowers.parameters(model.layout, images: images, texts: texts, seed: seed).map { Double($0) }
        let batch = pictures(seed)
        let weights = model.decidedWeights(batch, start)
        check(model.layout, start) { model.evaluate(batch, side: 0.7, weights: weights, $0) }
    }

    @Test("gradients of all heads with side tasks are what finite differences say", arguments: [UInt64(1), 2])
    func heads(_ seed: UInt64) {
        let model = HeadsModel(
            texts: texts, heads: StackShape(width: 8, heads: 2, layers: 1, epsilon: 1e-12), positions: 6,
            tasks: HeadsModel.Tasks(kinds: kinds, actions: 3, states: 2, slots: [3, 2]))
        let start = FreshTowers.parameters(model.layout, images: nil, texts: texts, seed: seed).map { Double($0) }
        let batch = windows(seed)
        let choices = model.evaluate(batch, side: 0.6, start).choices
        check(model.layout, start) { model.evaluate(batch, side: 0.6, choices: choices, $0).losses }
    }

    @Test("a training by steps goes on from its checkpoint to the same weights to the bit, and learns")
    func resumes() throws {
        let model = TowersModel(images: images, texts: texts, kinds: kinds)
        let start = FreshTowers.parameters(model.layout, images: images, texts: texts, seed: 3)
        let plan = StepTrainer.Plan(steps: 40, batch: 3, seed: 1, rate: 3e-3)
        func trainer(_ progress: Trainer.Progress) -> StepTrainer {
            StepTrainer(model.layout, plan: plan, from: progress, factor: { _ in 1 }) { step, parameters in
                let made = pictures(UInt64(step % 2))
                let batch = PictureBatch(
                    pictures: made.pictures.map { Float($0) }, texts: made.texts, truth: made.truth,
                    labels: made.labels, objects: made.objects)
                return model.evaluate(batch, side: 1, parameters)
            }
        }
        var whole = trainer(Trainer.Progress(parameters: start))
        var losses: [Double] = []
        while !whole.isOver { losses.append(try whole.advance().losses.total) }
        #expect(losses.count == 40 && losses[38] < 0.7 * losses[0], "\(losses[0]) to \(losses[38])")
        var first = trainer(Trainer.Progress(parameters: start))
        for _ in 0..<17 { _ = try first.advance() }
        let file = FileManager.default.temporaryDirectory.appending(path: "steps-\(UUID())")
        defer { try? FileManager.default.removeItem(at: file) }
        try TrainingCheckpoint.write(first.progress, of: model.layout, plan: plan, data: "d", to: file)
        var second = trainer(try TrainingCheckpoint.read(file, of: model.layout, plan: plan, data: "d"))
        while !second.isOver { _ = try second.advance() }
        #expect(second.progress == whole.progress)
    }
}
