import Checkpoints
import Foundation
import Pixels
import StreamSources
import SystemSupport
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

    /// Pillow's bicubic along a row: fixed-point weights, and a byte for each output of the middle `side`.
    private func resampled(_ row: [UInt8], to length: Int, side: Int) -> [UInt8] {
        let scale = Double(row.count) / Double(length)
        let (width, first) = (max(scale, 1), Int((Double(length - side) / 2).rounded(.toNearestOrEven)))
        func cubic(_ x: Double) -> Double {
            let x = abs(x)
            if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
            return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0
        }
        return (first..<first + side).map { output in
            let centre = (Double(output) + 0.5) * scale
            let inputs = max(0, Int(centre - 2 * width + 0.5))..<min(row.count, Int(centre + 2 * width + 0.5))
            let weights = inputs.map { cubic((Double($0) - centre + 0.5) * (1 / width)) }
            let sum = weights.reduce(0, +)
            let fixed = weights.map { Int(($0 / sum * 4_194_304).rounded(.toNearestOrAwayFromZero)) }
            let value = zip(inputs, fixed).reduce(1 << 21) { $0 + Int(row[$1.0]) * $1.1 } >> 22
            return UInt8(min(max(value, 0), 255))
        }
    }

    @Test(
        "is what two plain passes make, row by row, of any size",
        arguments: [(20, 12, 8), (40, 33, 32), (15, 100, 16), (97, 64, 17), (300, 171, 56), (9, 9, 31)])
    func plain(width: Int, height: Int, side: Int) {
        var random = SeededRandom(seed: UInt64(width))
        let rgb = (0..<width * height * 3).map { _ in UInt8.random(in: 0...255, using: &random) }
        let short = min(width, height)
        func scaled(_ length: Int) -> Int { length == short ? side : Int(Double(side * length) / Double(short)) }
        let plane = Plane(rgb)
        let picture = Resizer(side: side).picture(
            DecodedFrame(rgb: plane.bytes, width: width, height: height, stride: width * 3))
        for c in 0..<3 {
            let rows = (0..<height).map { y in
                resampled((0..<width).map { rgb[(y * width + $0) * 3 + c] }, to: scaled(width), side: side)
            }
            for x in 0..<side {
                let column = resampled(rows.map { $0[x] }, to: scaled(height), side: side)
                #expect(column == (0..<side).map { picture.rgb[($0 * side + x) * 3 + c] })
            }
        }
    }

    @Test("previews are means of whole blocks, whatever their number", arguments: [(64, 48), (1290, 40), (1933, 31)])
    func previews(width: Int, height: Int) {
        var random = SeededRandom(seed: UInt64(width))
        let rgb = (0..<width * height * 3).map { _ in UInt8.random(in: 0...255, using: &random) }
        let plane = Plane(rgb)
        let preview = Preview(DecodedFrame(rgb: plane.bytes, width: width, height: height, stride: width * 3))
        let factor = (width + 639) / 640
        #expect(preview.width == width / factor && preview.height == height / factor)
        for place in 0..<preview.width * preview.height * 3 {
            let (x, y, c) = (place / 3 % preview.width, place / 3 / preview.width, place % 3)
            var sum = factor * factor / 2
            for row in 0..<factor {
                for column in 0..<factor { sum += Int(rgb[((y * factor + row) * width + x * factor + column) * 3 + c]) }
            }
            guard preview.rgb[place] != sum / (factor * factor) else { continue }
            Issue.record("byte \(place) is \(preview.rgb[place]), not \(sum / (factor * factor))")
            return
        }
    }
}
