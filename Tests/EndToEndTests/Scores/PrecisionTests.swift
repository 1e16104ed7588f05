import CLIP
import Checkpoints
import Engine
import Foundation
import Heads
import Ingest
import Matching
import Pixels
import StreamSources
import Synchronization
import Tensors
import TestSupport
import Testing

@Suite("Precisions, on the golden videos")
struct PrecisionTests {
    /// A start or an end of a query's events, without the score.
    private struct Mark: Hashable, CustomStringConvertible {
        let query: String
        let phase: String
        let at: Double
        var description: String { "\(query) \(phase) at \(at)" }
    }

    /// The results of one precision on a video: embeddings of its sampled frames, and the events of every head.
    private func run(
        _ video: URL, _ model: URL, _ precision: Precision
    ) async throws -> (embeddings: [[Float]], marks: Set<Mark>) {
        let golden = try Fixtures.safetensors(
            video.deletingPathExtension().appendingPathExtension("golden.safetensors"))
        let queries = try JSONDecoder().decode([String].self, from: Data(#require(golden.metadata["queries"]).utf8))
        let model = try ModelDirectory(model)
        let engine = try ScoringEngine(
            model: model, finder: .standard(first: [Fixtures.plugins]), precision: precision)
        for head in ["mean", "lstm", "transformer", "tight"] {
            for (index, text) in queries.enumerated() {
                _ = try await engine.add(
                    StandingQuery(
                        id: "\(head)-\(index)", text: text, head: head, frames: model.defaults.frames,
                        rule: .score(Float(#require(model.defaults.thresholds[head])))))
            }
        }
        let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
        let source = SourceDescription(
            uri: video.path, fps: model.defaults.fps, side: model.architecture.vision.side)
        let marks = Mutex<Set<Mark>>([])
        let session = WatchSession(engine: engine, name: "v", source: source, templates: templates)
        let summary = try await session.run(wantScores: false) { report in
            guard case .detection(let found, _, _) = report, found.transition.phase != .update else { return }
            let change = found.transition
            let mark = Mark(
                query: found.query.id, phase: "\(change.phase)",
                at: change.phase == .start ? change.mediaStart : change.mediaEnd)
            marks.withLock { _ = $0.insert(mark) }
        }
        #expect(summary.dropped == 0 && summary.failure == nil)

        // The same frames the goldens have as pictures, 24 a video.
        let bytes = try golden.integers("frames_rgb64_first24").map { UInt8($0) }
        let side = model.architecture.vision.side
        let pictures = (0..<bytes.count / (3 * side * side)).map {
            Picture(side: side, rgb: Array(bytes[$0 * 3 * side * side..<($0 + 1) * 3 * side * side]))
        }
        return (try await engine.embed(pictures: pictures), marks.withLock { $0 })
    }

    // Thresholds cut a continuous score: a score that lies on one may cross it one sampled frame earlier or later, and
    // one that just touches it may not. Both are counted; only the second is a different event.
    @Test("bf16 and int8 find the events that f32 finds", arguments: [Fixtures.shapes, Fixtures.bundled])
    func events(_ model: URL) async throws {
        let step = 1 / (try ModelDirectory(model)).defaults.fps + 0.05
        var all = 0
        var lost: [Precision: [Mark]] = [:]
        // `make quality` compares all of the films.
        for video in try GoldenVideoTests.videos().prefix(measuresQuality ? .max : 2) {
            let whole = try await run(video, model, .f32)
            #expect(!whole.marks.isEmpty && !whole.embeddings.isEmpty)
            all += whole.marks.count
            for precision in [Precision.bf16, .int8] {
                let found = try await run(video, model, precision)
                let least = zip(found.embeddings, whole.embeddings).map { cosine($0, $1) }.min() ?? 0
                #expect(least >= (precision == .bf16 ? 0.999 : 0.99))
                func without(_ marks: Set<Mark>, _ others: Set<Mark>) -> [Mark] {
                    marks.subtracting(others).filter { mark in
                        !others.contains {
                            $0.query == mark.query && $0.phase == mark.phase && abs($0.at - mark.at) <= step
                        }
                    }
                }
                let apart = found.marks.symmetricDifference(whole.marks).count
                let gone = without(whole.marks, found.marks) + without(found.marks, whole.marks)
                lost[precision, default: []] += gone
                print(
                    "\(model == Fixtures.bundled ? "bundled" : "fixture"), \(video.lastPathComponent), "
                        + "\(precision.rawValue): cosine at least \(least); of \(whole.marks.count) starts and ends "
                        + "\(apart) differ, \(gone.count) by more than a frame:", gone.sorted { $0.at < $1.at })
            }
        }
        #expect(lost == [.bf16: [], .int8: []])
        print("\(all) starts and ends of \(model == Fixtures.bundled ? "the bundled model" : "the fixture")")
    }
}
