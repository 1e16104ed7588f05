import Foundation
import Pixels
import Sampling
import StreamSources
import TestSupport
import Testing

@Suite("Regions and previews")
struct RegionTests {
    private let video = Fixtures.videos.appending(path: "lobby.mp4").path

    @Test("a region is what is seen of the same part of the whole frame, at the same times")
    func region() async throws {
        let all = try #require(PictureRegion(x: 0, y: 0, width: 1, height: 1))
        let left = try #require(PictureRegion(x: 0, y: 0, width: 0.5, height: 1))
        let source = SourceDescription(
            uri: video, fps: 2, side: 64, regions: ["all": all, "left": left], previews: true)
        let frames = try await play(source).frames
        let whole = frames.filter { $0.region == nil }
        let same = frames.filter { $0.region == "all" }
        let half = frames.filter { $0.region == "left" }
        try #require(whole.count > 10 && same.count == whole.count && half.count == whole.count)
        #expect(same.map(\.picture) == whole.map(\.picture))
        #expect(half.map(\.mediaTime) == whole.map(\.mediaTime))
        #expect(half.map(\.discontinuity) == whole.map(\.discontinuity))
        // The left half's preview is the left half of the whole one's.
        for (part, frame) in zip(half, whole) {
            let (small, large) = (try #require(part.preview), try #require(frame.preview))
            try #require(small.width * 2 == large.width && small.height == large.height)
            for y in stride(from: 0, to: small.height, by: 17) {
                let row = small.rgb[y * small.width * 3..<(y + 1) * small.width * 3]
                #expect(row == large.rgb[y * large.width * 3..<y * large.width * 3 + small.width * 3])
            }
        }
    }

    @Test(
        "a rectangle that is empty or reaches out of the picture is none",
        arguments: [
            [0.5, 0, 0.6, 1], [0, 0, 0, 1], [-0.1, 0, 0.5, 0.5], [0, 0, .nan, 1], [0, 0.9, 1, 0.2],
        ])
    func wrong(_ numbers: [Double]) {
        #expect(PictureRegion(x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3]) == nil)
    }

    @Test("a preview written as JPEG and read again is the picture of its frame")
    func jpeg() async throws {
        let frame = try #require(
            try await play(SourceDescription(uri: video, fps: 1, side: 64, previews: true)).frames[safe: 5])
        let preview = try #require(frame.preview)
        let bytes = try #require(preview.jpeg(quality: 95))
        let again = try StillImage.picture(bytes: bytes, shown: "the preview", side: 64)
        let error = zip(again.rgb, frame.picture.rgb).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
        #expect(Double(error) / Double(again.rgb.count) < 3)
    }

    @Test("bytes that are no picture are refused by a sentence")
    func garbage() {
        #expect(throws: SourceError.self) {
            try StillImage.picture(bytes: Data("no picture".utf8), shown: "a.jpg", side: 64)
        }
    }
}

extension Array {
    fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
