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
        // A GIF's longest picture is shown for 655.35 s; what a film says beyond is no duration.
        var slow = MissingTimes()
        #expect((0..<2).map { _ in slow.made(stamp: nil, duration: 655.35, arrival: nil) } == [0, 655.35])
        var wrong = MissingTimes()
        #expect((0..<3).map { _ in wrong.made(stamp: 0, duration: 9e9, arrival: nil) } == [nil, 0.04, 0.08])
    }

    @Test("only times that GStreamer can count are converted")
    func conversion() {
        #expect(MediaTime.nanoseconds(1.5) == 1_500_000_000 && MediaTime.nanoseconds(0) == 0)
        // Two equal time stamps just below the greatest lead beyond it.
        for time in [1.8446744073709552e10, 2.7e10, -0.1, .nan, .infinity, -.infinity] {
            #expect(MediaTime.nanoseconds(time) == nil, "\(time)")
        }
        var sampler = FrameSampler(fps: 1000)
        #expect([0, 1e300].map { sampler.take($0) } == [true, true])
    }

    /// Writes pictures in GStreamer's data protocol, all with one time stamp and one duration (nanoseconds).
    private func pictures(_ count: Int, stamp: UInt64, duration: UInt64, to file: URL) async throws {
        let made = try Program(
            "/usr/bin/gst-launch-1.0",
            [
                "-q", "videotestsrc", "num-buffers=\(count)", "!",
                "video/x-raw,format=I420,width=64,height=64,framerate=10/1", "!", "gdppay", "crc-header=false", "!",
                "filesink", "location=\(file.path)",
            ])
        _ = try await made.rest()
        var bytes = [UInt8](try Data(contentsOf: file))
        func number(_ range: Range<Int>) -> Int { bytes[range].reduce(0) { $0 << 8 | Int($1) } }
        // A header of 62 bytes: after 4 of them the kind (1 is a picture), the length of what follows, and the times.
        var at = 0
        while at + 62 <= bytes.count {
            let (kind, length) = (number(at + 4..<at + 6), number(at + 6..<at + 10))
            for (place, time) in [(at + 10, stamp), (at + 18, duration)] where kind == 1 {
                for byte in 0..<8 { bytes[place + byte] = UInt8(truncatingIfNeeded: time >> UInt64(56 - 8 * byte)) }
            }
            at += 62 + length
        }
        try Data(bytes).write(to: file)
    }

    @Test("a film whose pictures have one time stamp and last for centuries is played by its rate")
    func centuries() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "gdp-\(UUID())")
        defer { try? FileManager.default.removeItem(at: file) }
        try await pictures(6, stamp: 0, duration: 9_000_000_000_000_000_000, to: file)
        let launch = "filesrc location=\(file.path) ! gdpdepay ! videoconvert name=convert ! appsink name=frames"
        let (frames, events) = try await play(SourceDescription(uri: "custom", fps: 10, side: 64, launch: launch))
        #expect(frames.count == 6 && events.last == .endOfStream, "\(frames.count) \(events)")
        #expect(frames.allSatisfy { $0.mediaTime < 1 })
    }
}
