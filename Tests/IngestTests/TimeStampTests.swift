import Foundation
import Sampling
import StreamSources
import TestSupport
import Testing

@Suite("Time stamps of a live source")
struct TimeStampTests {
    /// Pictures with time stamps in whole seconds from `start` on, in GStreamer's data protocol.
    private func pictures(from start: Int) async throws -> Data {
        let file = FileManager.default.temporaryDirectory.appending(path: "gdp-\(UUID())")
        defer { try? FileManager.default.removeItem(at: file) }
        let made = try Program(
            "/usr/bin/gst-launch-1.0",
            [
                "-q", "videotestsrc", "num-buffers=10", "timestamp-offset=\(start)", "!",
                "video/x-raw,format=I420,width=64,height=64,framerate=10/1", "!", "gdppay", "!", "filesink",
                "location=\(file.path)",
            ])
        _ = try await made.rest()
        return try Data(contentsOf: file)
    }

    // As damaged H.264 does it: a decoder then gives all later pictures that time stamp, and none would ever be due.
    @Test("a picture that lies hours ahead of the clock is not taken, and ends the source by a sentence")
    func ahead() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "gdp-\(UUID())")
        defer { try? FileManager.default.removeItem(at: file) }
        try (await pictures(from: 0) + pictures(from: 36_000_000_000_000)).write(to: file)
        let launch = "filesrc location=\(file.path) ! gdpdepay ! videoconvert name=convert ! appsink name=frames"
        let (frames, events) = try await play(
            SourceDescription(uri: "custom", fps: 10, realtime: true, side: 64, launch: launch))
        #expect(frames.count == 10 && frames.allSatisfy { $0.mediaTime < 1 })
        #expect(events.contains(.failed("a picture's time stamp lies 9 h ahead of the clock")), "\(events)")
    }
}
