import Checkpoints
import Foundation
import SystemSupport
import TestSupport
import Testing
import Training

@Suite("The training loop")
struct TrainerTests {
    private let width = 8
    private let frames = 5
    private let examples = 24

    /// A batch of videos whose frames move in either direction along a text's embedding: only order distinguishes them.
    private func batch(_ numbers: [Int]) -> TrainingBatch<Float> {
        var (texts, windows): ([Float], [Float]) = ([], [])
        for number in numbers {
            var random = SeededRandom(seed: UInt64(number))
            let from = (0..<width).map { _ in Float(random.normal()) }
            let to = (0..<width).map { _ in Float(random.normal()) }
            texts += zip(from, to).map { $1 - $0 }
            for t in 0..<frames { windows += zip(from, to).map { $0 + ($1 - $0) * Float(t) / 4 } }
        }
        return TrainingBatch(
            texts: .embeddings(texts), frames: .embeddings(windows),
            valid: [Int](repeating: frames, count: numbers.count))
    }

    private func model(_ kind: HeadKind) -> TrainingModel {
        TrainingModel(
            head: HeadShape(
                kind: kind, stack: StackShape(width: width, heads: 2, layers: 1, epsilon: 1e-12), positions: 8))
    }

    private func plan(epochs: Int = 6) -> TrainingPlan {
        var plan = TrainingPlan()
        plan.epochs = epochs
        plan.batch = 8
        plan.rates.base = 0.02
        plan.rates.towerFactor = 1
        return plan
    }

    private func start(_ model: TrainingModel) throws -> Trainer.Progress {
        let none = MemoryTensors([:], origin: "nothing")
        let values = try Initialisation.parameters(model.layout, stored: none, clip: none, seed: 3)
        return Trainer.Progress(parameters: values)
    }

    private func trainer(
        _ model: TrainingModel, _ plan: TrainingPlan, from progress: Trainer.Progress
    ) throws -> Trainer {
        try Trainer(model, plan: plan, from: progress, examples: examples, batch: batch)
    }

    @Test("learns: the loss falls well below that of chance", arguments: [HeadKind.lstm, .transformer, .tight])
    func learns(_ kind: HeadKind) throws {
        let model = model(kind)
        var trainer = try trainer(model, plan(epochs: 30), from: start(model))
        var losses: [Double] = []
        while !trainer.isOver { losses.append(try trainer.advance().loss) }
        #expect(losses.count == 90)
        let last = losses.suffix(9).reduce(0, +) / 9
        #expect(last < 0.8 * losses[0], "\(losses[0]) to \(last)")
    }

    @Test("goes on from a checkpoint to the same weights to the bit", arguments: HeadKind.allCases)
    func resumes(_ kind: HeadKind) throws {
        let (model, plan) = (model(kind), plan())
        let file = FileManager.default.temporaryDirectory.appending(path: "checkpoint-\(UUID())")
        defer { try? FileManager.default.removeItem(at: file) }
        var whole = try trainer(model, plan, from: start(model))
        while !whole.isOver { _ = try whole.advance() }
        var first = try trainer(model, plan, from: start(model))
        // In the middle of the third epoch.
        for _ in 0..<7 { _ = try first.advance() }
        try TrainingCheckpoint.write(first.progress, of: model.layout, plan: plan, data: "d", to: file)
        let read = try TrainingCheckpoint.read(file, of: model.layout, plan: plan, data: "d")
        #expect(read == first.progress)
        var second = try trainer(model, plan, from: read)
        while !second.isOver { _ = try second.advance() }
        #expect(second.progress == whole.progress)
        #expect(second.parameters.map(\.bitPattern) == whole.parameters.map(\.bitPattern))
        #expect(throws: TrainingError.self) {
            try TrainingCheckpoint.read(file, of: model.layout, plan: self.plan(epochs: 7), data: "d")
        }
        #expect(throws: TrainingError.self) {
            try TrainingCheckpoint.read(file, of: model.layout, plan: plan, data: "other")
        }
    }

    @Test("accumulation takes the mean of its parts' gradients")
    func accumulation() throws {
        let model = model(.transformer)
        let progress = try start(model)
        var plan = plan()
        plan.accumulation = 2
        var trainer = try trainer(model, plan, from: progress)
        var parts: [[Int]] = []
        var recording = try Trainer(model, plan: plan, from: progress, examples: examples) { numbers in
            parts.append(numbers)
            return batch(numbers)
        }
        let report = try recording.advance()
        #expect(parts.map(\.count) == [4, 4] && Set(parts.joined()).count == 8)
        let losses = parts.map { model.evaluate(batch($0), progress.parameters).loss }
        #expect(abs(report.loss - (losses[0] + losses[1]) / 2) < 1e-9)
        #expect(try trainer.advance() == report)
    }

    @Test("a loss that is no number stops it, and no parameter has changed")
    func notANumber() throws {
        let model = model(.mean)
        let progress = try start(model)
        var trainer = try Trainer(model, plan: plan(), from: progress, examples: examples) { numbers in
            TrainingBatch(
                texts: .embeddings([Float](repeating: .nan, count: numbers.count * width)),
                frames: .embeddings([Float](repeating: 1, count: numbers.count * frames * width)),
                valid: [Int](repeating: frames, count: numbers.count))
        }
        #expect(throws: TrainingError.self) { try trainer.advance() }
        #expect(trainer.parameters == progress.parameters)
    }

    @Test("too few pairs for a batch are refused by a sentence")
    func tooFew() throws {
        let model = model(.mean)
        let progress = try start(model)
        #expect(throws: TrainingError.self) {
            try Trainer(model, plan: plan(), from: progress, examples: 7, batch: batch)
        }
    }

    @Test("heads begin as the reference's: from CLIP's text tower where it fits, else from chance of the right size")
    func initialisation() throws {
        let shape = HeadShape(
            kind: .transformer, stack: StackShape(width: 64, heads: 1, layers: 2, epsilon: 1e-12), positions: 16)
        let model = TrainingModel(head: shape)
        let file = try Fixtures.safetensors(Fixtures.reference.appending(path: "train/seqTransf_2d/model.safetensors"))
        var clip: [String: HeadWeights] = [:]
        for (name, info) in file.tensors where name.hasPrefix("clip.") {
            clip[String(name.dropFirst(5))] = HeadWeights(shape: info.shape, values: try file.floats(name))
        }
        let source = MemoryTensors(clip, origin: "clip")
        let values = try Initialisation.parameters(
            model.layout, stored: MemoryTensors([:], origin: "nothing"), clip: source, seed: 1)
        func part(_ name: String) throws -> [Float] { Array(values[try #require(model.layout.entry(name)).range]) }
        #expect(try part("frame_position_embeddings.weight") == source.floats("positional_embedding"))
        #expect(
            try part("transformerClip.resblocks.0.mlp.c_fc.weight")
                == source.floats("transformer.resblocks.0.mlp.c_fc.weight"))
        // The text tower has one block: the second is left to chance.
        let linear = try part("transformerClip.resblocks.1.mlp.c_fc.weight")
        let deviation = (linear.reduce(0) { $0 + $1 * $1 } / Float(linear.count)).squareRoot()
        #expect(abs(deviation - 0.02) < 0.001)
        #expect(try part("transformerClip.resblocks.1.ln_1.weight").allSatisfy { $0 == 1 })
        #expect(try part("transformerClip.resblocks.1.attn.in_proj_bias").allSatisfy { $0 == 0 })
        let packed = try part("transformerClip.resblocks.1.attn.in_proj_weight")
        let bound = (6 / Float(256)).squareRoot()
        #expect(packed.allSatisfy { abs($0) <= bound } && (packed.max() ?? 0) > 0.98 * bound)
    }
}
