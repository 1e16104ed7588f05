import Checkpoints
import Foundation
import Pixels
import StreamSources
import TestSupport
import Testing

/// Compares pictures of every mode with Pillow 13; `make.py` beside them made the pictures and the results.
@Suite("Still pictures")
struct StillTests {
    private static let folder = Fixtures.repository.appending(path: "Tests/Fixtures/pictures")
    private static func expected() throws -> SafetensorsFile {
        try Fixtures.safetensors(folder.appending(path: "expected.safetensors"))
    }
    private static func file(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: name)))
    }
    private static func names(upright: Bool) throws -> [String] {
        let names = try expected().tensors.keys.filter { $0.hasPrefix("upright.") == upright }.sorted()
        guard !names.isEmpty else { throw MissingFixture(path: folder.path) }
        return names
    }

    @Test(
        "every mode of every kind is Pillow's, to the bit, or to one level where its decoder rounds",
        arguments: try names(upright: false))
    func modes(_ name: String) throws {
        let expected = try Self.expected()
        let picture = try StillPicture(decoding: Self.file(name))
        #expect(try #require(expected.tensors[name]).shape == [picture.height, picture.width, 3])
        let wanted = try expected.integers(name)
        try #require(picture.rgb.count == wanted.count)
        let worst = zip(picture.rgb, wanted).map { abs(Int($0) - $1) }.max()
        let different = zip(picture.rgb, wanted).count { Int($0) != $1 }
        // gdk-pixbuf rounds otherwise where it makes 8 bits of 5 or 6, and RGB of inks.
        let most = ["cmyk.tiff", "rgb555.bmp", "rgb565.bmp"].contains(name) ? 1 : 0
        #expect(worst.map { $0 <= most } == true, "\(different) of \(wanted.count) differ by up to \(worst ?? 256)")
    }

    @Test(
        "an orientation turns query pictures as a person sees them, and leaves embeddings' as they are stored",
        arguments: try names(upright: true))
    func turned(_ name: String) throws {
        let (expected, file) = (try Self.expected(), String(name.dropFirst("upright.".count)))
        let upright = try Self.resized(expected, name)
        let stored = try Self.resized(expected, file)
        let path = Self.folder.appending(path: file)
        #expect(upright != stored)
        #expect(try StillImage.picture(bytes: Data(contentsOf: path), shown: file, side: 24) == upright)
        #expect(try StillImage.picture(file: path.path, side: 24) == stored)
    }

    private static func resized(_ expected: SafetensorsFile, _ name: String) throws -> Picture {
        let shape = try #require(expected.tensors[name]).shape
        let rgb = Plane(try expected.integers(name).map { UInt8($0) })
        return Resizer(side: 24).picture(
            DecodedFrame(rgb: rgb.bytes, width: shape[1], height: shape[0], stride: shape[1] * 3))
    }

    @Test(
        "what cannot be decoded whole is refused by a sentence",
        arguments: [
            ("cut.jpg", "JPEG picture that is cut off"), ("without-end.jpg", "JPEG picture that is cut off"),
            ("cut-progressive.jpg", "JPEG picture that is cut off"), ("cut-ended.jpg", "JPEG picture that cannot be"),
            ("cut.png", "the file is cut off"), ("without-end.png", "the file is cut off"),
            ("damaged.png", "PNG picture that cannot be decoded"), ("cut.webp", "cut off or damaged"),
            ("cut.bmp", "BMP picture that is cut off"), ("cut.gif", "GIF picture that is cut off"),
            ("cut.tiff", "TIFF picture that is cut off"),
            ("rgba.tiff", "TIFF picture with alpha, which is not decoded"),
            ("picture.heic", "found HEIC; save it as JPEG or PNG"),
            ("picture.avif", "found AVIF; save it as JPEG or PNG"), ("make.py", "found none of them"),
            ("bomb.png", "it has 14000 x 14000 pixels, at most 67 million are decoded"),
        ])
    func refused(_ name: String, _ why: String) throws {
        let error = #expect(throws: PictureError.self) { try StillPicture(decoding: Self.file(name)) }
        #expect(error?.description.contains(why) == true, "\(error?.description ?? "")")
    }

    @Test("sizes are read and refused before anything is decoded", arguments: PictureHeader.Kind.allCases)
    func sizes(_ kind: PictureHeader.Kind) throws {
        func little(_ number: Int, _ bytes: Int) -> [UInt8] { (0..<bytes).map { UInt8(number >> (8 * $0) & 255) } }
        func all(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap { $0 } }
        func big(_ number: Int, _ bytes: Int) -> [UInt8] { little(number, bytes).reversed() }
        func text(_ string: String) -> [UInt8] { Array(string.utf8) }
        func entry(_ tag: Int, _ value: Int) -> [UInt8] {
            all(little(tag, 2), little(3, 2), little(1, 4), little(value, 4))
        }
        let (width, height) = (16_000, 12_000)
        let components: [UInt8] = [3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]
        let header: [UInt8] =
            switch kind {
            case .jpeg: all([0xFF, 0xD8, 0xFF, 0xC2, 0, 17, 8], big(height, 2), big(width, 2), components)
            case .png:
                all(
                    [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10, 0, 0, 0, 13], text("IHDR"), big(width, 4), big(height, 4),
                    [8, 2, 0, 0, 0])
            case .webp:
                all(text("RIFF    WEBPVP8X"), little(10, 4), little(0, 4), little(width - 1, 3), little(height - 1, 3))
            case .gif:  // a frame that is larger than its screen
                all(
                    text("GIF89a"), little(8, 2), little(8, 2), [0, 0, 0, 0x2C, 0, 0, 0, 0], little(width, 2),
                    little(height, 2), [0, 2, 0, 0x3B])
            case .bmp:
                all(
                    text("BM"), little(0, 12), little(40, 4), little(width, 4), little(-height, 4), little(1, 2),
                    little(24, 2))
            case .tiff:
                all(text("II*"), little(0, 1), little(8, 4), little(2, 2), entry(256, width), entry(257, height))
            }
        let error = #expect(throws: PictureError.self) { try PictureHeader(header) }
        #expect(error?.description.contains("16000 x 12000 pixels") == true, "\(error?.description ?? "")")
    }

    @Test("a header that lies, or is cut at any byte, is refused and nothing more")
    func cutAnywhere() throws {
        for name in ["420.jpg", "rgb8.png", "turn6.webp", "animated.gif", "rgb.bmp", "rgb.tiff", "turn6.jpg"] {
            let file = try Self.file(name)
            for length in stride(from: 0, to: file.count, by: 7) {
                var cut = Array(file.prefix(length))
                _ = try? StillPicture(decoding: cut)
                if length > 20 { cut[length / 2] ^= 0xFF }
                _ = try? StillPicture(decoding: cut)
            }
        }
    }
}
