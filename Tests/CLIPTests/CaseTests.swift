import CLIP
import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

/// The parts of `case.json` that these tests use.
private struct Case: Decodable {
    struct Tolerance: Decodable {
        let atol: Double, rtol: Double
    }
    let tolerance: Tolerance
    let linear_patch: String
}

@Suite("CLIP towers of the small reference cases")
struct CaseTests {
    static func folders() throws -> [URL] {
        try Fixtures.entries(of: Fixtures.reference.appending(path: "cases")) {
            FileManager.default.fileExists(atPath: $0.appending(path: "case.json").path)
        }
    }

    @Test("text embeddings match the reference", arguments: try folders(), Fixtures.weightFiles)
    func texts(_ folder: URL, _ weights: String) throws {
        let fixture = try Fixtures.json(Case.self, folder.appending(path: "case.json"))
        let source = OpenAINames(try Fixtures.checkpoint(folder.appending(path: weights)))
        let expected = try Fixtures.safetensors(folder.appending(path: "expected.safetensors"))
        let inputs = try Fixtures.safetensors(folder.appending(path: "inputs.safetensors"))
        let encoder = try TextEncoder(source, architecture: Architecture(inferredFrom: source), precision: .f32)
        let ids = try inputs.integers("token_ids")
        let shape = try #require(inputs.tensors["token_ids"]?.shape)
        var texts: [Float] = []
        for row in 0..<shape[0] { texts += try encoder.encode(Array(ids[row * shape[1]..<(row + 1) * shape[1]])) }
        let wanted = try expected.floats("text_embeddings")
        #expect(worstExcess(texts, wanted, rtol: fixture.tolerance.rtol) <= fixture.tolerance.atol)
    }

    @Test(
        "frame embeddings match the reference, of 2D and of 3D patches", arguments: try folders(), Fixtures.weightFiles)
    func frames(_ folder: URL, _ weights: String) throws {
        let fixture = try Fixtures.json(Case.self, folder.appending(path: "case.json"))
        let source = OpenAINames(try Fixtures.checkpoint(folder.appending(path: weights)))
        let expected = try Fixtures.safetensors(folder.appending(path: "expected.safetensors"))
        let inputs = try Fixtures.safetensors(folder.appending(path: "inputs.safetensors"))
        let encoder = try ImageEncoder(source, architecture: Architecture(inferredFrom: source), precision: .f32)
        #expect(encoder.architecture.vision.linearPatch.rawValue == fixture.linear_patch)
        var blocks: [Float] = []
        let length = try #require(inputs.tensors["frames"]?.shape[1])
        let frames = try encoder.encode(planes: inputs.floats("frames"), length: length)
        let wanted = try expected.floats("frame_embeddings")
        #expect(worstExcess(frames.values, wanted, rtol: fixture.tolerance.rtol) <= fixture.tolerance.atol)

        guard fixture.linear_patch == "2d" else { return }
        // The first picture alone, with its trace: one picture and a batch give the same numbers.
        let side = encoder.architecture.vision.side
        let first = Array(try inputs.floats("frames").prefix(3 * side * side))
        let one = try encoder.encode(planes: first) { blocks += $0.values }
        #expect(
            worstExcess(one.row(0), wanted.prefix(one.columns), rtol: fixture.tolerance.rtol) <= fixture.tolerance.atol)
        let trace = try expected.floats("trace.visual_frame0")
        let whole = encoder.architecture.vision.tokens * encoder.architecture.vision.width
        // After ln_pre and after each block but the last, which carries the class token only.
        let full = whole * encoder.architecture.vision.layers
        #expect(worstExcess(blocks.prefix(full), trace.prefix(full), rtol: 1e-4) <= fixture.tolerance.atol)
    }
}
