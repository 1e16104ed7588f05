import Pixels
import TestSupport
import Testing

/// Bytes at a fixed address, like a decoder's.
final class Plane {
    let bytes: UnsafeMutablePointer<UInt8>
    let count: Int

    init(_ values: [UInt8]) {
        count = values.count
        bytes = .allocate(capacity: count)
        bytes.initialize(from: values, count: count)
    }

    deinit { bytes.deallocate() }
}

/// A picture in I420 and in NV12, with rows longer than the picture.
private final class YUV {
    let width: Int, height: Int, stride: Int
    let y: Plane, u: Plane, v: Plane, uv: Plane

    init(_ width: Int, _ height: Int, stride: Int, y: [UInt8], u: [UInt8], v: [UInt8]) {
        (self.width, self.height, self.stride) = (width, height, stride)
        (self.y, self.u, self.v, uv) = (Plane(y), Plane(u), Plane(v), Plane(zip(u, v).flatMap { [$0, $1] }))
    }

    static func noise(_ width: Int, _ height: Int, seed: UInt64) -> YUV {
        var state = seed
        func noise(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(state >> 56)
            }
        }
        let chroma = (width + 1) / 2 * ((height + 1) / 2)
        return YUV(
            width, height, stride: width + 3, y: noise((width + 3) * height), u: noise(chroma), v: noise(chroma))
    }

    var chroma: Int { (width + 1) / 2 }

    func picture(_ colour: ColourConversion, side: Int, nv12: Bool = false) -> Picture {
        Resizer(side: side).picture(
            nv12
                ? DecodedFrame(
                    y: y.bytes, uv: uv.bytes, strides: (stride, chroma * 2), width: width, height: height,
                    colour: colour)
                : DecodedFrame(
                    y: y.bytes, u: u.bytes, v: v.bytes, strides: (stride, chroma, chroma), width: width,
                    height: height, colour: colour))
    }
}

@Suite("Colours")
struct ColourTests {
    private static let conversions = ColourConversion.Matrix.allCases.flatMap { matrix in
        [false, true].map { ColourConversion(matrix, fullRange: $0) }
    }
    /// The weights (Kr, Kb) of the standards.
    private static func weights(_ matrix: ColourConversion.Matrix) -> (Double, Double) {
        switch matrix {
        case .bt601: (0.299, 0.114)
        case .bt709: (0.2126, 0.0722)
        case .fcc: (0.30, 0.11)
        case .smpte240m: (0.212, 0.087)
        case .bt2020: (0.2627, 0.0593)
        }
    }

    @Test("each matrix and range is the standard's, within the rounding of fixed point", arguments: conversions)
    func standards(_ colour: ColourConversion) {
        let (kr, kb) = Self.weights(colour.matrix)
        for luma in stride(from: 16, through: 235, by: 73) {
            for (cb, cr) in [(128, 128), (90, 150), (160, 100), (128, 60)] {
                let square = YUV(
                    4, 4, stride: 4, y: [UInt8](repeating: UInt8(luma), count: 16),
                    u: [UInt8](repeating: UInt8(cb), count: 4), v: [UInt8](repeating: UInt8(cr), count: 4))
                let rgb = square.picture(colour, side: 4).rgb
                let l = colour.fullRange ? Double(luma) / 255 : Double(luma - 16) / 219
                let range = colour.fullRange ? 255.0 : 224.0
                let (b, r) = (Double(cb - 128) / range, Double(cr - 128) / range)
                let (red, blue) = (l + 2 * (1 - kr) * r, l + 2 * (1 - kb) * b)
                let green = (l - kr * red - kb * blue) / (1 - kr - kb)
                for (found, wanted) in zip(rgb, [red, green, blue]) {
                    #expect(abs(Double(found) - min(max(wanted * 255, 0), 255)) <= 3, "\(colour) \(luma) \(cb) \(cr)")
                }
            }
        }
    }

    /// Golden blocks of 2 x 2 pixels: the conversion, (y, y, y, y, u, v), and RGB by PyAV 18.
    ///
    /// PyAV's function is `VideoFrame.to_ndarray(format="rgb24")`.
    private static let golden: [(ColourConversion, [UInt8], [UInt8])] = [
        (
            ColourConversion(.bt601, fullRange: false), [120, 128, 182, 225, 64, 80],
            [44, 185, 0, 53, 194, 0, 116, 255, 63, 166, 255, 113]
        ),
        (
            ColourConversion(.bt601, fullRange: false), [197, 224, 70, 84, 181, 119],
            [195, 196, 255, 227, 228, 255, 47, 48, 168, 64, 65, 185]
        ),
        (
            ColourConversion(.bt601, fullRange: true), [76, 198, 72, 106, 150, 136],
            [87, 62, 114, 209, 184, 236, 83, 58, 110, 117, 92, 144]
        ),
        (
            ColourConversion(.bt601, fullRange: true), [34, 22, 206, 181, 177, 135],
            [43, 12, 120, 31, 0, 108, 215, 184, 255, 190, 159, 255]
        ),
        (
            ColourConversion(.bt709, fullRange: false), [195, 88, 115, 189, 77, 102],
            [161, 231, 100, 36, 106, 0, 68, 138, 7, 154, 224, 93]
        ),
        (
            ColourConversion(.bt709, fullRange: false), [43, 115, 230, 45, 113, 116],
            [9, 40, 0, 93, 124, 83, 227, 255, 217, 11, 42, 1]
        ),
        (
            ColourConversion(.bt709, fullRange: true), [214, 60, 126, 73, 62, 165],
            [255, 208, 91, 118, 54, 0, 184, 120, 3, 131, 67, 0]
        ),
        (
            ColourConversion(.bt709, fullRange: true), [29, 77, 125, 122, 76, 197],
            [137, 5, 0, 185, 53, 0, 233, 101, 28, 230, 98, 25]
        ),
        (
            ColourConversion(.fcc, fullRange: false), [180, 227, 36, 175, 101, 135],
            [201, 194, 135, 255, 249, 190, 34, 27, 0, 196, 189, 130]
        ),
        (
            ColourConversion(.fcc, fullRange: false), [219, 76, 175, 51, 105, 195],
            [255, 189, 189, 175, 22, 22, 255, 138, 138, 146, 0, 0]
        ),
        (
            ColourConversion(.fcc, fullRange: true), [108, 129, 80, 41, 119, 147],
            [134, 96, 91, 155, 117, 112, 106, 68, 63, 67, 29, 24]
        ),
        (
            ColourConversion(.fcc, fullRange: true), [116, 186, 95, 150, 168, 188],
            [200, 59, 187, 255, 129, 255, 179, 38, 166, 234, 93, 221]
        ),
        (
            ColourConversion(.smpte240m, fullRange: false), [110, 24, 174, 132, 182, 124],
            [101, 97, 221, 1, 0, 121, 175, 171, 255, 127, 123, 247]
        ),
        (
            ColourConversion(.smpte240m, fullRange: false), [96, 29, 116, 157, 167, 179],
            [184, 54, 174, 106, 0, 96, 207, 77, 197, 255, 125, 245]
        ),
        (
            ColourConversion(.smpte240m, fullRange: true), [63, 146, 192, 73, 108, 177],
            [140, 43, 26, 223, 126, 109, 255, 172, 155, 150, 53, 36]
        ),
        (
            ColourConversion(.smpte240m, fullRange: true), [143, 128, 164, 128, 197, 165],
            [201, 109, 255, 186, 94, 253, 222, 130, 255, 186, 94, 253]
        ),
        (
            ColourConversion(.bt2020, fullRange: false), [27, 48, 135, 196, 69, 155],
            [57, 5, 0, 82, 30, 0, 183, 131, 11, 254, 202, 82]
        ),
        (
            ColourConversion(.bt2020, fullRange: false), [183, 189, 208, 58, 137, 172],
            [255, 163, 213, 255, 170, 220, 255, 192, 242, 121, 17, 67]
        ),
        (
            ColourConversion(.bt2020, fullRange: true), [94, 58, 121, 33, 90, 179],
            [169, 70, 22, 133, 34, 0, 196, 97, 49, 108, 9, 0]
        ),
        (
            ColourConversion(.bt2020, fullRange: true), [162, 205, 200, 208, 103, 126],
            [159, 167, 114, 202, 210, 157, 197, 205, 152, 205, 213, 160]
        ),
    ]

    @Test("a picture that is only converted is libswscale's, to the bit")
    func libswscale() {
        for (colour, from, rgb) in Self.golden {
            let block = YUV(2, 2, stride: 2, y: Array(from.prefix(4)), u: [from[4]], v: [from[5]])
            #expect(block.picture(colour, side: 2).rgb == rgb)
        }
    }

    @Test("the layouts give one picture, at odd sizes too", arguments: [(64, 48), (65, 49), (97, 31), (31, 200)])
    func layouts(_ size: (Int, Int)) {
        let yuv = YUV.noise(size.0, size.1, seed: 7)
        let colour = ColourConversion(.bt709, fullRange: false)
        let picture = yuv.picture(colour, side: 24)
        let same = picture == yuv.picture(colour, side: 24, nv12: true)
        #expect(same)
        // Converted first as a whole, then resized as RGB: the same.
        var rgb: [UInt8] = []
        for y in 0..<yuv.height {
            for x in 0..<yuv.width {
                let at = y / 2 * yuv.chroma + x / 2
                let pixel = YUV(
                    1, 1, stride: 1, y: [yuv.y.bytes[y * yuv.stride + x]], u: [yuv.u.bytes[at]], v: [yuv.v.bytes[at]])
                rgb += pixel.picture(colour, side: 1).rgb
            }
        }
        let whole = Plane(rgb)
        let resized = Resizer(side: 24).picture(
            DecodedFrame(rgb: whole.bytes, width: yuv.width, height: yuv.height, stride: yuv.width * 3))
        let equal = picture == resized
        #expect(equal)
    }
}
