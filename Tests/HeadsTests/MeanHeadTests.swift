import CLIP
import Checkpoints
import Foundation
import Heads
import TestSupport
import Testing

@Suite("The mean head")
struct MeanHeadTests {
    static let finder = HeadFinder.standard(first: [Fixtures.plugins])

    @Test("matches the reference's video embeddings, masks included")
    func matchesReference() throws {
        let folder = Fixtures.reference.appending(path: "cases/meanP_2d")
        let expected = try Fixtures.safetensors(folder.appending(path: "expected.safetensors"))
        let inputs = try Fixtures.safetensors(folder.appending(path: "inputs.safetensors"))
        let shape = try #require(expected.tensors["frame_embeddings"]?.shape)
        let mask = try inputs.integers("frame_mask")
        let valid = (0..<shape[0]).map { mask[$0 * shape[1]..<($0 + 1) * shape[1]].reduce(0, +) }
        let head = try Head(Self.finder.load("mean"), width: shape[2], maxFrames: shape[1], weights: [:])
        let clips = try head.pool(expected.floats("frame_embeddings"), valid: valid, frames: shape[1])
        #expect(worstExcess(clips, try expected.floats("video_embeddings")) <= 1e-5)
    }

    @Test("ignores whatever the padding holds")
    func ignoresPadding() throws {
        let head = try Head(Self.finder.load("mean"), width: 4, maxFrames: 3, weights: [:])
        let frames: [Float] = [1, 2, 3, 4, 4, 3, 2, 1] + [Float](repeating: .nan, count: 4)
        let padded = try head.pool(frames, valid: [2], frames: 3)
        #expect(padded == (try head.pool(Array(frames.prefix(8)), valid: [2], frames: 2)))
    }

    @Test("refuses a window without frames, and one longer than it was made for")
    func refusesShapes() throws {
        let head = try Head(Self.finder.load("mean"), width: 4, maxFrames: 3, weights: [:])
        #expect(throws: HeadError.self) { try head.pool([0, 0, 0, 0], valid: [0], frames: 1) }
        #expect(throws: HeadError.self) { try head.pool([Float](repeating: 1, count: 16), valid: [4], frames: 4) }
    }

    @Test("an unknown head names those that exist; a path is no name")
    func unknownHeads() {
        #expect { try Self.finder.load("means") } throws: {
            "\($0)".contains("there are: ") && "\($0)".contains("mean")
        }
        #expect(throws: HeadError(plugin: "../mean", reason: .badName)) { try Self.finder.load("../mean") }
    }
}
