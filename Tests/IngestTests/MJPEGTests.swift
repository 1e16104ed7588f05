import Foundation
import Sampling
import StreamSources
import TestSupport
import Testing

@Suite("MJPEG over HTTP", .serialized)
struct MJPEGTests {
    @Test("a camera's MJPEG plays, whichever way it is sent, and each picture has a time of its own")
    func plays() async throws {
        let camera = try await MJPEGCamera(film: Fixtures.videos.appending(path: "lobby.mp4"))
        let password = "cam:p%40ss%3Aw%2For%23d%25%3F%26!@"
        let ways = [
            "std", "nolen", "dash", "quoted", "noinitial", "auth", "digest", "lf", "extra", "closing", "chunked",
            "other", "noboundary", "long", "short", "padded", "status", "glued",
        ]
        try await together(ways) { way in
            let user = ["auth", "digest"].contains(way) ? password : ""
            let (frames, events) = try await play(
                SourceDescription(uri: camera.uri(way, user: user), fps: 1000, side: 64), frames: 12)
            #expect(frames.count == 12, "\(way): \(events)")
            #expect(zip(frames, frames.dropFirst()).allSatisfy { $0.mediaTime < $1.mediaTime }, "\(way)")
            #expect(frames.dropFirst().allSatisfy { !$0.discontinuity }, "\(way)")
        }
    }

    @Test("what a camera sent is seen to the last picture when it ends")
    func ends() async throws {
        let camera = try await MJPEGCamera(film: Fixtures.videos.appending(path: "lobby.mp4"))
        let (frames, events) = try await play(SourceDescription(uri: camera.uri("end"), fps: 1000, side: 64))
        #expect(frames.count == 40 && events.last == .endOfStream, "\(frames.count) \(events)")
        // By the times at which they came, 20 a second: not by their number.
        let apart = zip(frames, frames.dropFirst()).map { $1.mediaTime - $0.mediaTime }.sorted()
        #expect(apart[apart.count / 2] > 0.02, "\(apart)")
    }

    @Test("parts that are no pictures end the source by a sentence that says what they are")
    func noPictures() async throws {
        let camera = try await MJPEGCamera(film: Fixtures.videos.appending(path: "lobby.mp4"))
        let (frames, events) = try await play(SourceDescription(uri: camera.uri("text"), fps: 4, side: 64))
        #expect(frames.isEmpty)
        guard case .failed(let why) = events.last else {
            Issue.record("no failure: \(events)")
            return
        }
        #expect(why.contains("no JPEG pictures (text/plain)"), "\(why)")
    }
}
