import Checkpoints
import Foundation
import Heads
import TestSupport
import Testing

private struct Tolerance: Decodable {
    let atol: Double, rtol: Double
}

/// The parts of `case.json` that these tests use.
private struct Case: Decodable {
    struct Model: Decodable {
        let head_heads: Int
    }
    let head: String
    let model: Model
    let tolerance: Tolerance
}

/// The parts of `procedural.json` that these tests use.
private struct Procedural: Decodable {
    struct Heads: Decodable {
        struct Tolerance: Decodable {
            let similarity_atol: Double, similarity_rtol: Double
        }
        let tolerance: Tolerance
    }
    let seed: UInt64
    let heads: Heads
}

@Suite("Heads against CLIP4Clip")
struct ReferenceTests {
    private static func cases() throws -> [URL] {
        try Fixtures.entries(of: Fixtures.reference.appending(path: "cases"))
    }

    @Test("the whole similarity matrix of every small case", arguments: try cases(), Fixtures.weightFiles)
    func similarity(_ folder: URL, _ weights: String) throws {
        let fixture = try Fixtures.json(Case.self, folder.appending(path: "case.json"))
        let model = try Fixtures.checkpoint(folder.appending(path: weights))
        let expected = try Fixtures.safetensors(folder.appending(path: "expected.safetensors"))
        let inputs = try Fixtures.safetensors(folder.appending(path: "inputs.safetensors"))
        let shape = try #require(expected.tensors["frame_embeddings"]?.shape)
        let heads = fixture.model.head_heads
        let head = try Head(
            Plugins.finder.load(#require(Plugins.byReference[fixture.head])), width: shape[2], maxFrames: shape[1],
            weights: Plugins.weights(model), config: heads > 0 ? "{\"attention_heads\": \(heads)}" : "{}")
        let scores = try head.similarity(
            texts: expected.floats("text_embeddings"), expected.floats("frame_embeddings"),
            valid: lengths(inputs.integers("frame_mask"), frames: shape[1]), frames: shape[1],
            scale: exp(#require(model.floats("clip.logit_scale").first)))
        let wanted = try expected.floats("similarity")
        let worst = worstExcess(scores, wanted, rtol: fixture.tolerance.rtol)
        #expect(worst <= fixture.tolerance.atol, "worst difference \(worstExcess(scores, wanted))")
    }

    @Test(
        "the whole similarity matrix at full size, on procedural weights",
        arguments: ["meanP", "meanP_3d", "seqLSTM", "seqTransf", "tightTransf"])
    func fullSize(_ name: String) throws {
        let folder = Fixtures.reference.appending(path: "procedural")
        let recipe = try Fixtures.json(Procedural.self, folder.appending(path: "procedural.json"))
        let expected = try Fixtures.safetensors(folder.appending(path: "heads_vit_b32.safetensors"))
        let frames = name.hasSuffix("_3d") ? "frame_embeddings_3d" : "frame_embeddings_2d"
        let plugin = try #require(Plugins.byReference[name.replacing("_3d", with: "")])
        let weights =
            plugin == "mean"
            ? [:] : try Plugins.weights(ProceduralCLIP.heads(width: 512, layers: 4, seed: recipe.seed))
        let head = try Head(Plugins.finder.load(plugin), width: 512, maxFrames: 12, weights: weights)
        let scores = try head.similarity(
            texts: expected.floats("text_embeddings"), expected.floats(frames),
            valid: lengths(expected.integers("frame_mask"), frames: 12), frames: 12, scale: 100)
        let wanted = try expected.floats("similarity_\(name)")
        let tolerance = recipe.heads.tolerance
        #expect(worstExcess(scores, wanted, rtol: tolerance.similarity_rtol) <= tolerance.similarity_atol)
    }
}
