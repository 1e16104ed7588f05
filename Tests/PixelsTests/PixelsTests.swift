import Checkpoints
import Foundation
import Pixels
import StreamSources
import TestSupport
import Testing

@Suite("Preprocessing")
struct PixelsTests {
    private struct List: Decodable {
        struct Image: Decodable {
            let file: String
        }
        let images: [Image]
    }

    @Test("resizes and crops as Pillow does, to the bit")
    func goldens() throws {
        let folder = Fixtures.reference.appending(path: "preprocess")
        let expected = try Fixtures.safetensors(folder.appending(path: "expected.safetensors"))
        let images = try Fixtures.json(List.self, folder.appending(path: "preprocess.json")).images
        #expect(!images.isEmpty)
        for image in images {
            let picture = try StillImage.picture(file: folder.appending(path: image.file).path, side: 224)
            let name = image.file.replacing(".png", with: "")
            let planes = try expected.integers("crop_u8.\(name)")
            var different = 0
            var worst = 0
            for c in 0..<3 {
                for i in 0..<224 * 224 {
                    let difference = abs(Int(picture.rgb[i * 3 + c]) - planes[c * 224 * 224 + i])
                    worst = max(worst, difference)
                    if difference > 0 { different += 1 }
                }
            }
            #expect(worst <= 1 && different * 1000 <= 3 * 224 * 224, "\(name): \(different) differ, worst \(worst)")
        }
    }

    @Test("honours rows that are longer than the picture")
    func stride() {
        let resizer = Resizer(side: 8)
        let (width, height) = (20, 12)
        var dense: [UInt8] = []
        var padded: [UInt8] = []
        for y in 0..<height {
            let row = (0..<width * 3).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ y &* 13) }
            dense += row
            padded += row + [UInt8](repeating: 255, count: 12)
        }
        let (short, long) = (Plane(dense), Plane(padded))
        let a = resizer.picture(
            DecodedFrame(rgb: short.bytes, width: width, height: height, stride: width * 3))
        let b = resizer.picture(
            DecodedFrame(rgb: long.bytes, width: width, height: height, stride: width * 3 + 12))
        #expect(a == b)
    }
}
