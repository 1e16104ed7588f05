import CKernels

/// A frame as a decoder left it, lent for the length of a call.
package struct DecodedFrame {
    package let width: Int
    package let height: Int
    let planes: ww_frame

    /// Interleaved RGB: `height` rows of `stride` bytes.
    package init(rgb: UnsafePointer<UInt8>, width: Int, height: Int, stride: Int) {
        precondition(width > 0 && height > 0 && stride >= width * 3)
        self.width = width
        self.height = height
        planes = ww_frame(
            layout: WW_LAYOUT_RGB, planes: (rgb, nil, nil), strides: (stride, 0, 0), colour: ww_colour())
    }

    /// I420: planes of Y, and of U and V halved both ways, each with its stride.
    package init(
        y: UnsafePointer<UInt8>, u: UnsafePointer<UInt8>, v: UnsafePointer<UInt8>, strides: (Int, Int, Int),
        width: Int, height: Int, colour: ColourConversion
    ) {
        precondition(width > 0 && height > 0 && strides.0 >= width)
        precondition(strides.1 >= (width + 1) / 2 && strides.2 >= (width + 1) / 2)
        self.width = width
        self.height = height
        planes = ww_frame(layout: WW_LAYOUT_I420, planes: (y, u, v), strides: strides, colour: colour.factors)
    }

    /// NV12: a plane of Y, and one of U and V interleaved, halved both ways.
    package init(
        y: UnsafePointer<UInt8>, uv: UnsafePointer<UInt8>, strides: (Int, Int), width: Int, height: Int,
        colour: ColourConversion
    ) {
        precondition(width > 0 && height > 0 && strides.0 >= width && strides.1 >= (width + 1) / 2 * 2)
        self.width = width
        self.height = height
        planes = ww_frame(
            layout: WW_LAYOUT_NV12, planes: (y, uv, nil), strides: (strides.0, strides.1, 0), colour: colour.factors)
    }

    private init(width: Int, height: Int, planes: ww_frame) {
        self.width = width
        self.height = height
        self.planes = planes
    }

    /// The part of the frame that the fractions name, from an even column and row on, since two share their chroma; at
    /// least 2 x 2 samples of it.
    package func cropped(to part: PictureRegion) -> DecodedFrame {
        let column = min(Int(part.x * Double(width)), max(width - 2, 0)) / 2 * 2
        let row = min(Int(part.y * Double(height)), max(height - 2, 0)) / 2 * 2
        let columns = min(max(Int((part.width * Double(width)).rounded()), 2), width - column)
        let rows = min(max(Int((part.height * Double(height)).rounded()), 2), height - row)
        var part = planes
        switch planes.layout {
        case WW_LAYOUT_RGB: part.planes.0 = planes.planes.0.map { $0 + row * planes.strides.0 + column * 3 }
        case WW_LAYOUT_I420:
            part.planes.0 = planes.planes.0.map { $0 + row * planes.strides.0 + column }
            part.planes.1 = planes.planes.1.map { $0 + row / 2 * planes.strides.1 + column / 2 }
            part.planes.2 = planes.planes.2.map { $0 + row / 2 * planes.strides.2 + column / 2 }
        default:
            part.planes.0 = planes.planes.0.map { $0 + row * planes.strides.0 + column }
            part.planes.1 = planes.planes.1.map { $0 + row / 2 * planes.strides.1 + column }
        }
        return DecodedFrame(width: columns, height: rows, planes: part)
    }
}

/// A rectangle of a picture, in fractions of its width and height from its upper left corner.
package struct PictureRegion: Sendable, Equatable {
    package let x: Double
    package let y: Double
    package let width: Double
    package let height: Double

    /// Nil unless the rectangle has an area and lies within the picture.
    package init?(x: Double, y: Double, width: Double, height: Double) {
        let numbers = [x, y, width, height, x + width, y + height]
        guard numbers.allSatisfy({ $0.isFinite && $0 >= 0 && $0 <= 1 + 1e-9 }), width > 0, height > 0 else {
            return nil
        }
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }
}

/// How a stream's Y'CbCr becomes R'G'B': its matrix and range, in libswscale's fixed point.
///
/// libswscale is what the reference's loaders convert with (OpenCV, PyAV, ffmpeg), and colours that differ by one level move
/// a tight head's logits by tenths.
///
/// Source: libswscale `ff_yuv2rgb_coeffs` and `sws_setColorspaceDetails` (Kr, Kb of the standards, times 65536).
package struct ColourConversion: Sendable, Equatable {
    package enum Matrix: Sendable, CaseIterable { case bt601, bt709, fcc, smpte240m, bt2020 }

    package let matrix: Matrix
    /// Whether Y spans 0...255, not 16...235.
    package let fullRange: Bool

    package init(_ matrix: Matrix, fullRange: Bool) {
        self.matrix = matrix
        self.fullRange = fullRange
    }

    /// (Cr to R, Cb to B, Cb to G, Cr to G), the last two to be taken away; times 65536, for chroma of limited range.
    private var table: (Int, Int, Int, Int) {
        switch matrix {
        case .bt601: (104_597, 132_201, 25_675, 53_279)
        case .bt709: (117_489, 138_438, 13_975, 34_925)
        case .fcc: (104_448, 132_798, 24_759, 53_109)
        case .smpte240m: (117_579, 136_230, 16_907, 35_559)
        case .bt2020: (110_013, 140_363, 12_277, 42_626)
        }
    }

    var factors: ww_colour {
        let (rv, bu, gu, gv) = table
        func fixed(_ value: Int) -> Int16 {
            // Chroma of full range spans 255 levels instead of 224.
            let ranged = fullRange ? value * 224 / 255 : value
            return Int16(clamping: (ranged << 13 + 1 << 15) >> 16)
        }
        let y = fullRange ? 65_536 : 65_536 * 255 / 219
        return ww_colour(
            y_offset: fullRange ? 0 : 16 << 3, y: Int16(clamping: (y << 13 + 1 << 15) >> 16), rv: fixed(rv),
            bu: fixed(bu), gu: -fixed(gu), gv: -fixed(gv))
    }
}
