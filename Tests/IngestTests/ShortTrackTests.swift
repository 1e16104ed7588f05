import Containers
import Foundation
import Sampling
import StreamSources
import TestSupport
import Testing

@Suite("Video tracks that are shorter than their film")
struct ShortTrackTests {
    /// Makes an MP4 of `video` seconds of pictures, 10 a second, and `sound` seconds of sound.
    private func film(video: Int, sound: Int) async throws -> URL {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).mp4")
        _ = try await blocking {
            try output(
                of: "ffmpeg",
                ["-v", "error", "-f", "lavfi", "-i", "testsrc=s=160x120:r=10:d=\(video)"]
                    + ["-f", "lavfi", "-i", "sine=d=\(sound)", "-c:v", "libx264", "-c:a", "aac", file.path])
        }
        return file
    }

    @Test("every picture of a short track is seen, as of a long one", arguments: [(2, 30), (1, 60), (2, 9), (3, 3)])
    func plays(_ video: Int, _ sound: Int) async throws {
        let file = try await film(video: video, sound: sound)
        defer { try? FileManager.default.removeItem(at: file) }
        let (frames, events) = try await play(SourceDescription(uri: file.path, fps: 1000, side: 64))
        #expect(frames.count == video * 10 && events.last == .endOfStream, "\(frames.count) \(events)")
        for (index, frame) in frames.enumerated() {
            #expect(abs(frame.mediaTime - frames[0].mediaTime - Double(index) / 10) < 1e-3)
        }
    }

    @Test("only a length that hides every video track is left out")
    func header() async throws {
        func found(_ video: Int, _ sound: Int) async throws -> Bool {
            let file = try await film(video: video, sound: sound)
            defer { try? FileManager.default.removeItem(at: file) }
            let bytes = try Data(contentsOf: file)
            let name = try #require(bytes.range(of: Data("moov".utf8)))
            let moov = Data(bytes[(name.lowerBound - 4)...])
            for cut in 0..<200 { _ = PreviewTrack.misleadingLength(in: Array(moov.prefix(cut))) }
            return PreviewTrack.misleadingLength(in: Array(moov)) != nil
        }
        let hidden = [try await found(2, 30), try await found(2, 9), try await found(3, 3)]
        #expect(hidden == [true, false, false])
    }
}
