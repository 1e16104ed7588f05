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

    /// Bounds of the issue: cosines within 0.01, logits within 0.05.
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

        for (head, bound) in Self.heads.sorted(by: { $0.key < $1.key }) {
            try await scores(of: head, within: bound, golden, source, engine)
        }
    }

    /// Window scores, as `watch --scores` writes them.
    private func scores(
        of head: String, within bound: Double, _ golden: SafetensorsFile, _ source: SourceDescription,
        _ engine: ScoringEngine
    ) async throws {
        let length = Int(golden.metadata["window"] ?? "8") ?? 8
        let queries = try JSONDecoder().decode([String].self, from: Data(#require(golden.metadata["queries"]).utf8))
        let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
        for (index, text) in queries.enumerated() {
            _ = try await engine.add(
                StandingQuery(id: "q\(index)", text: text, head: head, frames: length, rule: .score(100)))
        }
        let scores = Mutex<[WindowScore]>([])
        let session = WatchSession(engine: engine, name: "golden", source: source, templates: templates)
        let summary = try await session.run(wantScores: true) { report in
            if case .scores(let found) = report { scores.withLock { $0 += found } }
        }
        #expect(summary.frames == golden.tensors["timestamps"]?.count && summary.dropped == 0)
        let wanted = try golden.floats("scores.\(head)")
        let found = scores.withLock { $0 }
        #expect(found.count == wanted.count)
        var seen: [String: Int] = [:]
        var worst = 0.0
        for score in found {
            let column = try #require(Int(score.query.dropFirst()))
            let row = seen[score.query, default: 0]
            seen[score.query] = row + 1
            worst = max(worst, abs(Double(score.score ?? .infinity) - Double(wanted[row * queries.count + column])))
        }
        print("\(head): worst \(worst)")
        #expect(worst <= bound, "\(head): worst difference \(worst)")
    }
}
