import Foundation
import Ingest
import Pixels
import Sampling
import StreamSources
import TestSupport
import Testing

/// A film made by ffmpeg, and how close its pictures must be to ffmpeg's.
struct ColourCase: CustomTestStringConvertible, Sendable {
    let name: String
    let file: String
    let arguments: [String]
    /// The least PSNR in dB, against the RGB of the ffmpeg command.
    let psnr: Double

    init(_ name: String, _ file: String, _ arguments: String, psnr: Double = 40) {
        (self.name, self.file, self.psnr) = (name, file, psnr)
        self.arguments = arguments.split(separator: " ").map(String.init)
    }

    var testDescription: String { name }
}

@Suite("Colours of films")
struct FilmColourTests {
    // The ffmpeg command interpolates the chroma of these; Watchword repeats it, as ffmpeg does with 8 bits of limited
    // range, and as the reference's loaders do. At the test picture's edges of pure colours that makes this much of a
    // difference.
    private static let interpolated = 29.0

    // Small pictures say no matrix: then both take BT.601. Made by ffmpeg 5.1 of Debian 12.
    private static let cases = [
        ColourCase("MJPEG 4:2:0", "avi", "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p"),
        ColourCase("MJPEG 4:2:2", "avi", "-c:v mjpeg -q:v 2 -pix_fmt yuvj422p"),
        ColourCase("MJPEG 4:4:4", "avi", "-c:v mjpeg -q:v 2 -pix_fmt yuvj444p"),
        ColourCase("MJPEG in MP4", "mov", "-c:v mjpeg -q:v 2 -pix_fmt yuvj422p"),
        ColourCase("H.264 4:2:0", "mp4", "-c:v libx264 -pix_fmt yuv420p"),
        ColourCase("H.264 4:2:2", "mp4", "-c:v libx264 -pix_fmt yuv422p"),
        ColourCase("H.264 4:4:4", "mp4", "-c:v libx264 -pix_fmt yuv444p"),
        ColourCase("H.264 10 bit", "mkv", "-c:v libx264 -pix_fmt yuv420p10", psnr: interpolated),
        ColourCase("H.264 4:2:2 10 bit", "mkv", "-c:v libx264 -pix_fmt yuv422p10"),
        ColourCase("H.264 4:4:4 10 bit", "mkv", "-c:v libx264 -pix_fmt yuv444p10"),
        ColourCase("H.264 full range", "mp4", "-c:v libx264 -pix_fmt yuvj420p"),
        ColourCase(
            "H.264 BT.709", "mp4",
            "-vf scale=out_color_matrix=bt709 -c:v libx264 -pix_fmt yuv420p -colorspace bt709 -color_range tv"),
        ColourCase(
            "H.264 4:4:4 BT.709 full range", "mp4",
            "-vf scale=out_color_matrix=bt709:out_range=pc -c:v libx264 -pix_fmt yuvj444p -colorspace bt709"),
        ColourCase("H.264 RGB", "mkv", "-c:v libx264rgb -pix_fmt rgb24"),
        ColourCase("H.265 4:2:2", "mkv", "-c:v libx265 -x265-params log-level=none -pix_fmt yuv422p"),
        ColourCase(
            "H.265 10 bit", "mkv", "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p10",
            psnr: interpolated),
        ColourCase("VP8", "webm", "-c:v libvpx -b:v 2M"),
        ColourCase("VP9 4:4:4", "webm", "-c:v libvpx-vp9 -pix_fmt yuv444p -b:v 2M -cpu-used 8"),
        ColourCase("MPEG-2 4:2:2", "ts", "-c:v mpeg2video -q:v 2 -pix_fmt yuv422p"),
        ColourCase("MPEG-4", "avi", "-c:v mpeg4 -q:v 2"),
        ColourCase("Theora 4:4:4", "ogv", "-c:v libtheora -q:v 8 -pix_fmt yuv444p"),
        ColourCase("ProRes", "mov", "-c:v prores_ks -pix_fmt yuv422p10"),
        ColourCase("FFV1 4:1:1", "avi", "-c:v ffv1 -pix_fmt yuv411p", psnr: 23),
        ColourCase("FFV1 grey", "mkv", "-c:v ffv1 -pix_fmt gray"),
        ColourCase("raw YUY2", "avi", "-c:v rawvideo -pix_fmt yuyv422"),
        ColourCase("raw BGR", "avi", "-c:v rawvideo -pix_fmt bgr24"),
        ColourCase("PNG", "mov", "-c:v png -pix_fmt rgb24"),
        ColourCase("PNG 16 bit", "mov", "-c:v png -pix_fmt rgb48be"),
    ]

    @Test("pictures are those that ffmpeg converts")
    func films() async throws {
        try await together(Self.cases, atMost: 3) { try await expectPictures($0) }
    }

    private func expectPictures(_ item: ColourCase) async throws {
        let film = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).\(item.file)")
        defer { try? FileManager.default.removeItem(at: film) }
        let rgb = try await blocking {
            try output(
                of: "ffmpeg",
                ["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=128x96:rate=5:duration=1"] + item.arguments
                    + [film.path])
            let raw = ["-v", "error", "-i", film.path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
            return [UInt8](try output(of: "ffmpeg", raw))
        }
        let (width, height) = (128, 96)
        let frames = try await play(SourceDescription(uri: film.path, fps: 100, side: 96)).frames
        try #require(rgb.count == 5 * width * height * 3, "\(item.name)")
        try #require(frames.count == 5, "\(item.name)")
        for (index, frame) in frames.enumerated() {
            let wanted = rgb[index * width * height * 3..<(index + 1) * width * height * 3].withUnsafeBufferPointer {
                $0.baseAddress.map {
                    Resizer(side: 96).picture(DecodedFrame(rgb: $0, width: width, height: height, stride: width * 3))
                }
            }
            let squares = zip(frame.picture.rgb, try #require(wanted).rgb).reduce(0) {
                $0 + (Int($1.0) - Int($1.1)) * (Int($1.0) - Int($1.1))
            }
            let mean = Double(squares) / Double(frame.picture.rgb.count)
            let psnr = mean == 0 ? .infinity : 10 * log10(255 * 255 / mean)
            #expect(psnr >= item.psnr, "\(item.name), frame \(index): \(psnr) dB")
        }
    }
}
