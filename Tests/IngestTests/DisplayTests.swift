import Foundation
import Ingest
import Matching
import Pixels
import Sampling
import StreamSources
import TestSupport
import Testing

/// The mean difference of two pictures in levels.
private func difference(_ a: Picture, _ b: Picture) -> Double {
    let total = zip(a.rgb, b.rgb).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
    return a.rgb.count == b.rgb.count ? Double(total) / Double(a.rgb.count) : .infinity
}

@Suite("Pictures as a person sees them")
struct DisplayTests {
    private static let films = Fixtures.repository.appending(path: "Tests/Fixtures/films")

    /// Orientation tags, each with the `videoflip` method of the same effect.
    private static let turns = [
        ("rotate-0", "identity"), ("rotate-90", "90r"), ("rotate-180", "180"), ("rotate-270", "90l"),
        ("flip-rotate-0", "horiz"), ("flip-rotate-90", "ur-ll"), ("flip-rotate-180", "vert"),
        ("flip-rotate-270", "ul-lr"),
    ]

    private func frame(
        _ filter: String, format: String, side: Int = 40, regions: [String: PictureRegion] = [:]
    ) async throws -> [Frame] {
        let launch = """
            videotestsrc num-buffers=1 pattern=smpte ! video/x-raw,format=\(format),width=96,height=64,framerate=5/1 \
            ! \(filter) ! videoconvert name=convert ! appsink name=frames
            """
        return try await play(
            SourceDescription(
                uri: "custom", fps: 5, side: side, launch: launch, gate: 0, regions: regions, previews: true)
        ).frames
    }

    @Test("the tag of an orientation turns pictures, regions and previews", arguments: turns)
    func tagged(_ tag: String, _ direction: String) async throws {
        let region = try #require(PictureRegion(x: 0.25, y: 0.5, width: 0.5, height: 0.25))
        for format in ["I420", "NV12", "RGB", "Y444", "GRAY8"] {
            let turned = try await frame(
                "taginject tags=image-orientation=(string)\(tag)", format: format, regions: ["part": region])
            let flipped = try await frame(
                "videoflip video-direction=\(direction)", format: format, regions: ["part": region])
            try #require(turned.count == 2 && flipped.count == 2)
            for (a, b) in zip(turned, flipped) {
                #expect(a.picture == b.picture, "\(format) \(a.region ?? "whole")")
                let (shown, wanted) = (try #require(a.preview), try #require(b.preview))
                #expect(shown.width == wanted.width && shown.height == wanted.height)
                // An upright preview has the chroma of one sample, a turned one the mean of all.
                let far = zip(shown.rgb, wanted.rgb).count { abs(Int($0) - Int($1)) > 2 }
                #expect(far * 50 < shown.rgb.count, "\(format): \(far) of \(shown.rgb.count) of the preview")
            }
        }
    }

    @Test("a phone's film is the upright one")
    func phone() async throws {
        let phone = try await play(
            SourceDescription(uri: Self.films.appending(path: "phone.mp4").path, fps: 4, side: 64)
        ).frames
        let upright = try await play(
            SourceDescription(uri: Self.films.appending(path: "upright.mp4").path, fps: 4, side: 64)
        ).frames
        #expect(phone.count == upright.count && phone.count > 8)
        for (a, b) in zip(phone, upright) { #expect(difference(a.picture, b.picture) < 2) }
    }

    @Test("pixels that are no squares are shown as wide as they are meant", arguments: [(2, 1), (1, 2), (16, 15)])
    func aspect(_ across: Int, _ down: Int) async throws {
        // A picture of 96 x 64 squares, squeezed by the aspect and described as such.
        let described = "video/x-raw,width=\(96 * down / across),height=64,pixel-aspect-ratio=\(across)/\(down)"
        for format in ["I420", "RGB"] {
            let wide = try #require(
                try await frame("videoscale add-borders=false ! \(described)", format: format).first)
            let square = try #require(try await frame("identity", format: format).first)
            #expect(difference(wide.picture, square.picture) < 12)
            let preview = try #require(wide.preview)
            #expect(abs(preview.width - 96) <= 1 && preview.height == 64)
        }
    }

    @Test("a clip has the pixels that the reference's loader reads: turned, and taken for squares")
    func clip() async throws {
        let launch = """
            videotestsrc num-buffers=10 pattern=smpte \
            ! video/x-raw,format=I420,width=48,height=64,framerate=5/1,pixel-aspect-ratio=2/1 \
            ! videoconvert name=convert ! appsink name=frames
            """
        var clip = SourceDescription(uri: "custom", fps: 5, side: 40, launch: launch)
        let shown = try await play(clip).frames
        clip.clip = ClipFrames(try ClipSampling())
        let read = try await play(clip).frames
        clip.launch = launch.replacing("pixel-aspect-ratio=2/1", with: "pixel-aspect-ratio=1/1")
        let square = try await play(clip).frames
        #expect(read.count == 2 && shown.count == 10)
        #expect(read.first?.picture == square.first?.picture && read.first?.picture != shown.first?.picture)
    }

    @Test("a decoder is never given pictures beyond 8K, whatever brings them", arguments: ["png", "vp8"])
    func sizes(_ kind: String) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).\(kind == "vp8" ? "webm" : kind)")
        defer { try? FileManager.default.removeItem(at: file) }
        if kind == "png" {
            let bomb = Fixtures.repository.appending(path: "Tests/Fixtures/pictures/bomb.png")
            try FileManager.default.copyItem(at: bomb, to: file)
        } else {
            let picture = ["-v", "error", "-f", "lavfi", "-i", "color=red:size=64x48:rate=5:duration=1"]
            try output(of: "ffmpeg", picture + ["-c:v", "libvpx", "-cpu-used", "8", file.path])
            var bytes = [UInt8](try Data(contentsOf: file))
            // The keyframe's own header says 16383 x 16383, and the container another thing.
            let start = try #require(
                bytes.indices.dropLast(6).first { Array(bytes[$0..<$0 + 3]) == [0x9D, 1, 0x2A] })
            bytes.replaceSubrange(start + 3..<start + 7, with: [0xFF, 0x3F, 0xFF, 0x3F])
            try Data(bytes).write(to: file)
        }
        let (frames, events) = try await play(SourceDescription(uri: file.path, fps: 1, side: 16))
        #expect(frames.isEmpty)
        guard case .failed(let why) = events.last else {
            Issue.record("no failure: \(events)")
            return
        }
        #expect(why.contains("at most 36 million (8K) are decoded"), "\(why)")
    }
}
