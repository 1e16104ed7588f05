import CLIP
import Checkpoints
import Concurrency
import Engine
import Foundation
import Heads
import Ingest
import Matching
import Pixels
import Sampling
import StreamSources
import Synchronization
import Tensors
import TestSupport
import Testing

@Suite("The golden videos, through the real pipeline")
struct GoldenVideoTests {
    static func videos() throws -> [URL] { try Fixtures.entries(of: Fixtures.videos) { $0.pathExtension == "mp4" } }

    /// The allowed differences: cosines within 0.01, logits within 0.05.
    private static let heads = ["mean": 0.01, "lstm": 0.01, "transformer": 0.01, "tight": 0.05]

    @Test("pictures, frame embeddings and every head's scores are those of the goldens", arguments: try videos())
    func goldens(_ video: URL) async throws {
        let golden = try Fixtures.safetensors(
            video.deletingPathExtension().appendingPathExtension("golden.safetensors"))
        let fps = Double(golden.metadata["fps"] ?? "4") ?? 4
        let model = try ModelDirectory(Fixtures.shapes)
        let finder = HeadFinder.standard(first: [Fixtures.plugins])

        // Frame embeddings.
        let engine = try ScoringEngine(model: model, finder: finder, precision: .f32)
        let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
        let source = SourceDescription(uri: video.path, fps: fps, side: model.architecture.vision.side)
        let frames = Mutex<[Frame]>([])
        let (ends, end) = AsyncStream<SourceEvent>.makeStream()
        let player = try VideoSource(
            source, templates: templates, onFrame: { frame in frames.withLock { $0.append(frame) } },
            onEvent: { event in if event == .endOfStream { end.finish() } })
        try player.start()
        for await _ in ends {}
        player.stop()
        // The first pictures, byte for byte: decoding, colours, resize and crop are the reference's.
        let pictures = try golden.integers("frames_rgb64_first24").map { UInt8($0) }
        let found = frames.withLock { $0.flatMap(\.picture.rgb) }
        #expect(found.prefix(pictures.count).elementsEqual(pictures))
        let embeddings = try await engine.embed(pictures: frames.withLock { $0.map(\.picture) })
        let expected = try golden.floats("frame_embeddings")
        let width = model.architecture.embedding
        let cosines = embeddings.indices.map { cosine(embeddings[$0], expected[$0 * width..<($0 + 1) * width]) }
        #expect(embeddings.count * width == expected.count)
        #expect((cosines.min() ?? 0) >= 0.99999)

        let texts = try JSONDecoder().decode([String].self, from: Data(#require(golden.metadata["queries"]).utf8))
        let scores = try await scores(of: texts, golden, source, engine)
        for (head, bound) in Self.heads.sorted(by: { $0.key < $1.key }) {
            let wanted = try golden.floats("scores.\(head)")
            let columns = texts.indices.map { scores["\(head)-\($0)"] ?? [] }
            #expect(columns.allSatisfy { $0.count * texts.count == wanted.count })
            var worst = 0.0
            for (column, scores) in columns.enumerated() {
                for (row, score) in scores.enumerated() {
                    worst = max(worst, abs(Double(score) - Double(wanted[row * texts.count + column])))
                }
            }
            print("\(head): worst \(worst)")
            #expect(worst <= bound, "\(head): worst difference \(worst)")
        }
    }

    /// Window scores of every head from `watch --scores`, by head and text: `mean-0`.
    private func scores(
        of texts: [String], _ golden: SafetensorsFile, _ source: SourceDescription, _ engine: ScoringEngine
    ) async throws -> [String: [Float]] {
        let length = Int(golden.metadata["window"] ?? "8") ?? 8
        let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
        for head in Self.heads.keys.sorted() {
            for (index, text) in texts.enumerated() {
                _ = try await engine.add(
                    StandingQuery(id: "\(head)-\(index)", text: text, head: head, frames: length, rule: .score(100)))
            }
        }
        let scores = Mutex<[String: [Float]]>([:])
        let session = WatchSession(engine: engine, name: "golden", source: source, templates: templates)
        let summary = try await session.run(wantScores: true) { report in
            guard case .scores(let found) = report else { return }
            scores.withLock { scores in
                for score in found { scores[score.query, default: []].append(score.score ?? .infinity) }
            }
        }
        #expect(summary.frames == golden.tensors["timestamps"]?.count && summary.dropped == 0)
        return scores.withLock { $0 }
    }
}
