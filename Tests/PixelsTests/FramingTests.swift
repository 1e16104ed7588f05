import Foundation
import Pixels
import StreamSources
import TestSupport
import Testing

/// Compares framings with Pillow 12.0.0: `Tests/Fixtures/framing/make.py`.
@Suite("Framing")
struct FramingTests {
    private struct File: Decodable {
        let cases: [Case]
    }

    private struct Case: Decodable {
        let name, fit, filter, rounding: String
        let side, columns, rows: Int
        let fill: [UInt8]
        let rgb: Data
    }

    @Test("every filter, fit and crop is Pillow's, to the bit")
    func goldens() throws {
        let folder = Fixtures.repository.appending(path: "Tests/Fixtures")
        let cases = try Fixtures.json(File.self, folder.appending(path: "framing/framing.json")).cases
        #expect(cases.count > 20)
        // The whole picture, as it is stored: squashed to itself.
        let whole = try StillImage.picture(
            file: folder.appending(path: "checkpoints/wide200x150.png").path,
            framing: Framing(side: 200, fit: .longest, filter: .box))
        for item in cases {
            let words = item.fit.split(separator: " ")
            let length = try #require(Int(words[1]))
            let fit: Framing.Fit =
                words[0] == "squash" ? .squash(length) : words[0] == "shortest" ? .shortest(length) : .longest
            let framing = Framing(
                side: item.side, fit: fit, filter: try #require(Framing.Filter(rawValue: item.filter)),
                cropRounding: try #require(Framing.CropRounding(rawValue: item.rounding)), fill: item.fill)
            // 200 x 150 lies in the middle of 200 x 200.
            let found = whole.rgb.withUnsafeBufferPointer { bytes -> Picture? in
                guard let base = bytes.baseAddress else { return nil }
                return Resizer(framing).picture(
                    DecodedFrame(rgb: base + 25 * 600, width: item.columns, height: item.rows, stride: 600))
            }
            let different = zip(found?.rgb ?? [], item.rgb).count { $0 != $1 }
            #expect(found?.rgb.count == item.rgb.count && different == 0, "\(item.name): \(different) differ")
        }
    }
}
