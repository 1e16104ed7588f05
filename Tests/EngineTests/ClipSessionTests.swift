import CLIP
import Engine
import Foundation
import Heads
import Ingest
import Matching
import Sampling
import StreamSources
import Synchronization
import TestSupport
import Testing

@Suite("A file as one clip")
struct ClipSessionTests {
    private let clip = Fixtures.repository.appending(path: "Tests/Fixtures/videos/lobby.mp4").path

    private func templates() throws -> PipelineTemplates {
        try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
    }

    private func engine(frames: Int) async throws -> ScoringEngine {
        let engine = try ScoringEngine(
            model: ModelDirectory(Fixtures.shapes), finder: .standard(first: [Fixtures.plugins]))
        for (id, head) in [("m", "mean"), ("t", "transformer"), ("p", "tight")] {
            _ = try await engine.add(
                StandingQuery(id: id, text: "a blue circle", head: head, frames: frames, rule: .score(1000)))
        }
        return engine
    }

    private func source() -> SourceDescription { SourceDescription(uri: clip, fps: 1, side: 64) }

    /// Every decoded frame of the clip, in order.
    private func everyFrame() async throws -> [Frame] {
        var all = source()
        all.clip = ClipFrames(try ClipSampling(rate: 0))
        let frames = Mutex<[Frame]>([])
        let (ends, end) = AsyncStream<Void>.makeStream()
        let video = try VideoSource(
            all, templates: templates(), onFrame: { frame in frames.withLock { $0.append(frame) } },
            onEvent: { if $0 == .endOfStream { end.finish() } })
        try await blocking { try video.start() }
        for await _ in ends {}
        try await blocking { video.stop() }
        return frames.withLock { $0 }
    }

    @Test(
        "is scored on the frames that the reference takes: counted by number, cut to the window",
        arguments: [
            (1, nil, ClipSelection.uniform, 8), (1, nil, .tail, 8), (2, 3...6, .head, 5), (3, 2...4, .uniform, 20),
        ] as [(Int, ClosedRange<Int>?, ClipSelection, Int)])
    func frames(_ rate: Int, _ seconds: ClosedRange<Int>?, _ selection: ClipSelection, _ limit: Int) async throws {
        let all = try await everyFrame()
        let sampling = try ClipSampling(rate: rate, seconds: seconds)
        let rule = try sampling.rule(fps: 25)
        let sampled = all.indices.filter(rule.takes)
        let kept = selection.indices(of: sampled.count, limit: limit).map { all[sampled[$0]] }
        let engine = try await engine(frames: limit)
        let wanted = try await engine.score(clip: kept, of: "c")
        let session = try ClipSession(
            engine: engine, name: "c", source: source(), templates: templates(), sampling: sampling,
            selection: selection, maxFrames: limit)
        let found = try await session.run()
        #expect(found.kept == kept.count && (selection == .head || found.sampled == sampled.count))
        #expect(found.scores.count == 3)
        for (a, b) in zip(found.scores, wanted) {
            #expect(a.query == b.query && a.score == b.score && a.span.mediaStart == b.span.mediaStart)
            #expect(a.span.mediaEnd == b.span.mediaEnd && a.span.frames == kept.count)
        }
    }

    @Test("an impossible rate and a clip without frames are said so")
    func impossible() async throws {
        let engine = try await engine(frames: 4)
        for (sampling, part) in [
            (try ClipSampling(rate: 26), "does not have 26 frames"),
            (try ClipSampling(seconds: 500...600), "there is no frame"),
        ] {
            let session = try ClipSession(
                engine: engine, name: "c", source: source(), templates: templates(), sampling: sampling,
                selection: .uniform, maxFrames: 4)
            await #expect {
                try await session.run()
            } throws: {
                "\($0)".contains(part)
            }
        }
    }
}
