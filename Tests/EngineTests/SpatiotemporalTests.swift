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

/// A model's tensors with a kernel of 3D patches: `conv1` in the middle, `side` times that before and after.
private struct WithTemporalKernel: TensorSource {
    let base: SafetensorsFile
    let side: Float
    private static let conv1 = "vision_model.embeddings.patch_embedding.weight"
    private static let conv2 = "visual.conv2.weight"

    var origin: String { base.origin }
    var tensors: [String: TensorInfo] {
        var all = base.tensors
        if let shape = all[Self.conv1]?.shape {
            all[Self.conv2] = TensorInfo(name: Self.conv2, type: .float32, shape: [shape[0], 3, 3] + shape[2...])
        }
        return all
    }

    func floats(_ name: String) throws(CheckpointError) -> [Float] {
        guard name == Self.conv2, let shape = base.tensors[Self.conv1]?.shape else { return try base.floats(name) }
        let (kernel, plane) = (try base.floats(Self.conv1), shape[2] * shape[3])
        return stride(from: 0, to: kernel.count, by: plane).flatMap { start in
            [side, 1, -side].flatMap { factor in kernel[start..<start + plane].map { $0 * factor } }
        }
    }
}

@Suite("A model of 3D patches on live streams")
struct SpatiotemporalTests {
    /// Makes an engine of the shapes model with a temporal kernel, in a directory of its own.
    private func engine(
        side: Float, partial: Bool = false, precision: Precision = .auto, thresholds: [String: Float] = [:]
    ) async throws -> ScoringEngine {
        let folder = FileManager.default.temporaryDirectory.appending(path: "shapes-3d-\(UUID())")
        try FileManager.default.copyItem(at: Fixtures.shapes, to: folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "model.safetensors")
        let source = WithTemporalKernel(
            base: try SafetensorsFile(path: Fixtures.shapes.appending(path: "model.safetensors").path), side: side)
        try FileManager.default.removeItem(at: file)
        try SafetensorsWriter.write(source, names: source.tensors.keys, to: file.path)
        let model = try ModelDirectory(folder)
        #expect(model.architecture.vision.linearPatch == .spatiotemporal)
        let engine = try ScoringEngine(
            model: model, finder: .standard(first: [Fixtures.plugins]), precision: precision, partial: partial)
        for head in ["mean", "lstm", "transformer", "tight"] {
            _ = try await engine.add(
                StandingQuery(
                    id: head, text: "a blue circle", head: head, frames: 4, rule: .score(thresholds[head] ?? 1000)))
        }
        return engine
    }

    private func frames(_ count: Int) -> [Frame] {
        (0..<count).map { time in
            let rgb = (0..<64 * 64 * 3).map { UInt8(truncatingIfNeeded: ($0 &* 7 &+ time &* 53) ^ ($0 >> 4)) }
            return Frame(
                picture: Picture(side: 64, rgb: rgb), pictureNumber: UInt64(time), mediaTime: Double(time),
                wallClock: Date(),
                discontinuity: time == 0 || time == 6)
        }
    }

    @Test("each window is scored as the clip of its frames, from the first to the last, across a gap, in any batch")
    func windows() async throws {
        let engine = try await engine(side: 0.4, partial: true)
        let frames = frames(12)
        for stream in ["a", "b"] { await engine.addLane(stream) }
        var found: [String: [WindowScore]] = [:]
        // Two streams take turns, in batches of 5.
        let items = frames.flatMap { frame in
            ["a", "b"].map { QueuedItem(stream: $0, item: .frame(frame)) }
        }
        for start in stride(from: 0, to: items.count, by: 5) {
            let step = try await engine.process(Array(items[start..<min(start + 5, items.count)]), wantScores: true)
            for score in step.scores { found["\(score.stream) \(score.query)", default: []].append(score) }
        }
        for (key, scores) in found {
            #expect(scores.count == frames.count, "\(key)")
            for (end, score) in scores.enumerated() {
                let start = max(end < 6 ? 0 : 6, end - 3)
                let clip = try await engine.score(clip: Array(frames[start...end]), of: score.stream)
                let wanted = try #require(clip.first { $0.query == score.query }?.score)
                #expect(abs((score.score ?? .infinity) - wanted) < 1e-3, "\(key) at \(end)")
            }
        }
        #expect(found.count == 8)
    }

    @Test("with int8 a window at the threshold is scored as float32 scores it", arguments: [5, 9])
    func rescored(_ end: Int) async throws {
        func scores(_ engine: ScoringEngine) async throws -> [String: Float] {
            await engine.addLane("a")
            var scores: [String: Float] = [:]
            for frame in frames(12) {
                let step = try await engine.process([QueuedItem(stream: "a", item: .frame(frame))], wantScores: true)
                for score in step.scores where score.span.mediaEnd == Double(end) { scores[score.query] = score.score }
            }
            return scores
        }
        let exact = try await scores(engine(side: 0.4, precision: .f32))
        let bytes = try await scores(engine(side: 0.4, precision: .int8))
        let found = try await scores(engine(side: 0.4, precision: .int8, thresholds: exact))
        #expect(exact.count == 4)
        for (head, score) in exact {
            #expect(abs((found[head] ?? .infinity) - score) < 1e-4, "\(head)")
        }
        #expect(exact.contains { abs((bytes[$0.key] ?? $0.value) - $0.value) > 1e-4 })
    }

    @Test("training starts at the 2D model: a kernel of the middle frame alone scores as 2D patches do")
    func untrained() async throws {
        let flat = try ScoringEngine(
            model: ModelDirectory(Fixtures.shapes), finder: .standard(first: [Fixtures.plugins]))
        _ = try await flat.add(
            StandingQuery(id: "transformer", text: "a blue circle", head: "transformer", frames: 4, rule: .score(1000)))
        let clip = Array(frames(4))
        let wanted = try await flat.score(clip: clip, of: "s").first?.score
        let found = try await engine(side: 0).score(clip: clip, of: "s").first { $0.query == "transformer" }?.score
        let moved = try await engine(side: 0.4).score(clip: clip, of: "s").first { $0.query == "transformer" }?.score
        #expect(abs((found ?? .nan) - (wanted ?? .nan)) < 1e-5)
        #expect(abs((moved ?? .nan) - (wanted ?? .nan)) > 1e-3)
    }

    @Test("a window of one frame is refused: its patches would see neither neighbour")
    func single() async throws {
        let engine = try await engine(side: 0.4)
        await #expect {
            try await engine.add(
                StandingQuery(id: "one", text: "a circle", head: "mean", frames: 1, rule: .score(1000)))
        } throws: {
            "\($0)".contains("windows need 2 frames or more")
        }
    }
}
