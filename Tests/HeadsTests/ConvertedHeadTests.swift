import CLIP
import Checkpoints
import Foundation
import Heads
import TestSupport
import Testing

@Suite("Heads of converted models")
struct ConvertedHeadTests {
    private static let names = [
        "meanP": "mean", "seqLSTM": "lstm", "seqTransf": "transformer", "tightTransf": "tight",
    ]

    @Test(
        "score as they do from the checkpoint, to the bit",
        arguments: try Fixtures.entries(of: Fixtures.reference.appending(path: "cases")))
    func scores(_ folder: URL) throws {
        struct Case: Decodable { let head: String }
        let fixture = try Fixtures.json(Case.self, folder.appending(path: "case.json"))
        let name = try #require(Self.names[fixture.head])
        let expected = try Fixtures.safetensors(folder.appending(path: "expected.safetensors"))
        let inputs = try Fixtures.safetensors(folder.appending(path: "inputs.safetensors"))
        let model = try ModelDirectory(folder)
        let destination = FileManager.default.temporaryDirectory.appending(path: "converted-\(UUID())")
        defer { try? FileManager.default.removeItem(at: destination) }
        let result = try ModelConversion.convert(model, to: destination, replacing: false)
        #expect(result.head == name)
        let shape = try #require(expected.tensors["frame_embeddings"]?.shape)
        func scores(_ model: ModelDirectory) throws -> [Float] {
            let head = try Head(
                Plugins.finder.load(name), width: shape[2], maxFrames: shape[1], weights: model.headTensors(name))
            return try head.similarity(
                texts: expected.floats("text_embeddings"), expected.floats("frame_embeddings"),
                valid: lengths(inputs.integers("frame_mask"), frames: shape[1]), frames: shape[1], scale: 1)
        }
        #expect(try scores(model) == scores(ModelDirectory(destination)))
    }
}
