import Foundation
import Sampling
import StreamSources
import TestSupport
import Testing

@Suite("Pictures without a time stamp")
struct MissingTimesTests {
    private static let inputs = Fixtures.repository.appending(path: "Tests/Fixtures/inputs")

    // Counts by ffprobe 5.1 (-count_frames).
    @Test("all pictures of raw streams are seen, 25 a second", arguments: [("raw.mjpeg", 75), ("base.h264", 100)])
    func raw(_ name: String, _ count: Int) async throws {
        let file = Self.inputs.appending(path: name).path
        let (frames, events) = try await play(SourceDescription(uri: file, fps: 1000, side: 64))
        #expect(frames.count == count && events.last == .endOfStream, "\(frames.count) \(events)")
        for (index, frame) in frames.enumerated() {
            #expect(abs(frame.mediaTime - (frames[0].mediaTime + Double(index) / 25)) < 1e-3, "\(index)")
        }
        let four = try await play(SourceDescription(uri: file, fps: 4, side: 64)).frames
        #expect(abs(four.count - count * 4 / 25) <= 1, "\(four.count)")
    }

    @Test("a raw stream that loops goes on in media time")
    func loops() async throws {
        let file = Self.inputs.appending(path: "raw.mjpeg").path
        let frames = try await play(SourceDescription(uri: file, fps: 5, loop: true, side: 64), frames: 40).frames
        #expect(frames.count == 40)
        #expect(zip(frames, frames.dropFirst()).allSatisfy { $0.mediaTime < $1.mediaTime })
        #expect(frames.indices.filter { frames[$0].discontinuity }.count == 3)
    }

    @Test("an animated GIF is played to its end, each picture as long as it says")
    func animated() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).gif")
        defer { try? FileManager.default.removeItem(at: file) }
        _ = try await blocking {
            try output(of: "ffmpeg", ["-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:r=5:d=2", file.path])
        }
        let (frames, events) = try await play(SourceDescription(uri: file.path, fps: 1000, side: 64))
        #expect(frames.count == 10 && events.last == .endOfStream, "\(frames.count) \(events)")
        for (index, frame) in frames.enumerated() { #expect(abs(frame.mediaTime - Double(index) / 5) < 0.02) }
    }

    @Test("files count by their rate, live sources by arrival, and a picture's own time is kept where it is one")
    func rules() {
        var file = MissingTimes()
        file.learn(rate: 10)
        #expect((0..<3).map { _ in file.made(stamp: nil, duration: nil, arrival: nil) } == [0, 0.1, 0.2])
        #expect(file.made(stamp: nil, duration: 0.5, arrival: nil) == 0.7)
        file.beginAgain()
        #expect(file.made(stamp: nil, duration: nil, arrival: nil) == 0)
        var live = MissingTimes()
        #expect([3.0, 3.5, 3.5].map { live.made(stamp: nil, duration: nil, arrival: $0) } == [3, 3.5, 3.501])
        // All alike, as some decoders stamp them; the first is right.
        var alike = MissingTimes()
        #expect((0..<3).map { _ in alike.made(stamp: 7, duration: 0.2, arrival: nil) } == [nil, 7.2, 7.4])
        // Two alike among others are a film's own.
        var film = MissingTimes()
        #expect([0, 0.04, 0.04, 0.08].allSatisfy { film.made(stamp: $0, duration: nil, arrival: nil) == nil })
        // Unknown rates are taken for 25.
        var unknown = MissingTimes()
        unknown.learn(rate: 0)
        #expect((0..<2).map { _ in unknown.made(stamp: nil, duration: nil, arrival: nil) } == [0, 0.04])
    }
}
