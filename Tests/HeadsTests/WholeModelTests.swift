import CLIP
import Checkpoints
import Foundation
import Heads
import Tensors
import TestSupport
import Testing

/// The parts of `case.json` that these tests use.
private struct Case: Decodable {
    struct Model: Decodable {
        let head_heads: Int
    }
    struct Tolerance: Decodable {
        let atol: Double, rtol: Double
    }
    let head: String
    let model: Model
    let tolerance: Tolerance
}

@Suite("An official checkpoint, from pixels and tokens to scores")
struct WholeModelTests {
    private static func folders() throws -> [URL] {
        try Fixtures.entries(of: Fixtures.reference.appending(path: "cases"))
    }

    @Test("gives the reference's similarity matrix", arguments: try folders(), Fixtures.weightFiles)
    func similarity(_ folder: URL, _ weights: String) throws {
        let fixture = try Fixtures.json(Case.self, folder.appending(path: "case.json"))
        let model = try ModelDirectory(folder.appending(path: weights))
        let inputs = try Fixtures.safetensors(folder.appending(path: "inputs.safetensors"))
        let expected = try Fixtures.safetensors(folder.appending(path: "expected.safetensors"))
        let source = OpenAINames(try Fixtures.checkpoint(folder.appending(path: weights)))

        let shape = try #require(inputs.tensors["frames"]?.shape)
        let images = try ImageEncoder(source, architecture: model.architecture, precision: .f32)
        let frames = try images.encode(planes: inputs.floats("frames"), length: shape[1]).values

        let ids = try inputs.integers("token_ids")
        let words = try #require(inputs.tensors["token_ids"]?.shape[1])
        let encoder = try TextEncoder(source, architecture: model.architecture, precision: .f32)
        let texts = try stride(from: 0, to: ids.count, by: words).flatMap {
            try encoder.encode(Array(ids[$0..<$0 + words]))
        }

        let heads = fixture.model.head_heads
        let head = try Head(
            Plugins.finder.load(#require(Plugins.byReference[fixture.head])), width: model.architecture.embedding,
            maxFrames: shape[1], weights: model.headTensors(#require(Plugins.byReference[fixture.head])),
            config: heads > 0 ? "{\"attention_heads\": \(heads)}" : "{}")
        let scale = exp(try #require(source.floats("logit_scale").first))
        let scores = try head.similarity(
            texts: texts, frames, valid: lengths(inputs.integers("frame_mask"), frames: shape[1]), frames: shape[1],
            scale: scale)
        let worst = worstExcess(scores, try expected.floats("similarity"), rtol: fixture.tolerance.rtol)
        #expect(worst <= fixture.tolerance.atol, "\(worst)")
    }
}
