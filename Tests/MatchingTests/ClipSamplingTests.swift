import Foundation
import Matching
import TestSupport
import Testing

private struct Sampling: Decodable {
    struct Extraction: Decodable {
        let fps: Double
        let frame_count: Int, feature_framerate: Int
        let start_time: Int?, end_time: Int?
        let frames: [Int]?
        let error: String?
    }
    struct Limiting: Decodable {
        let extracted: Int, max_frames: Int, slice_framepos: Int, frame_order: Int
        let indices: [Int]
    }
    let extraction: [Extraction]
    let limiting: [Limiting]
}

@Suite("Frames of whole clips")
struct ClipSamplingTests {
    private func golden() throws -> Sampling {
        try Fixtures.json(Sampling.self, Fixtures.reference.appending(path: "sampling/sampling.json"))
    }

    @Test("the frames that are decoded are the reference's, and it fails where the reference fails")
    func extraction() throws {
        for clip in try golden().extraction {
            let seconds = clip.start_time.flatMap { start in clip.end_time.map { start...$0 } }
            let sampling = try ClipSampling(rate: clip.feature_framerate, seconds: seconds)
            if clip.error != nil {
                #expect(throws: ClipError.self, "\(clip)") { try sampling.rule(fps: clip.fps) }
                continue
            }
            let rule = try sampling.rule(fps: clip.fps)
            let frames = (0..<clip.frame_count).filter(rule.takes)
            #expect(frames == clip.frames, "\(clip.fps) fps")
            if let last = frames.last, seconds == nil { #expect(!rule.isOver(at: last)) }
            if let end = clip.end_time { #expect(rule.isOver(at: (end + 1) * Int(clip.fps))) }
        }
    }

    @Test("the frames that are kept are the reference's: first, last, evenly spread")
    func limiting() throws {
        let cases = try golden().limiting
        #expect(!cases.isEmpty)
        for item in cases where item.frame_order < 2 {
            let selection = [ClipSelection.head, .tail, .uniform][item.slice_framepos]
            let kept = selection.indices(of: item.extracted, limit: item.max_frames)
            #expect((item.frame_order == 1 ? kept.reversed() : kept) == item.indices, "\(item)")
        }
    }

    @Test("a limit is kept, whatever the numbers", arguments: ClipSelection.allCases)
    func bounds(_ selection: ClipSelection) {
        for count in [0, 1, 2, 5, 100, 1001] {
            for limit in [0, 1, 2, 5, 64] {
                let kept = selection.indices(of: count, limit: limit)
                #expect(kept.count == min(count, limit) && kept.allSatisfy { 0..<count ~= $0 })
                #expect(zip(kept, kept.dropFirst()).allSatisfy { $0 < $1 })
            }
        }
    }
}
