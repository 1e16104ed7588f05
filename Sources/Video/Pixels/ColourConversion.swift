import CKernels

/// The conversion of a stream's Y'CbCr to R'G'B' by its matrix and range, in the fixed-point numbers of libswscale.
///
/// CLIP4Clip's loaders convert by libswscale (through OpenCV, PyAV, ffmpeg), so results must be equal: colours that
/// differ by one level can change a score by tenths. Source: libswscale `ff_yuv2rgb_coeffs` and
/// `sws_setColorspaceDetails` (Kr, Kb of the standards, times 65536).
package struct ColourConversion: Sendable, Equatable {
    package enum Matrix: Sendable, CaseIterable { case bt601, bt709, fcc, smpte240m, bt2020 }

    package let matrix: Matrix
    /// True if luma spans 0 to 255 instead of 16 to 235.
    package let fullRange: Bool

    package init(_ matrix: Matrix, fullRange: Bool) {
        self.matrix = matrix
        self.fullRange = fullRange
    }

    /// The factors Cr to R, Cb to B, Cb to G, Cr to G, times 65536, for chroma of limited range.
    ///
    /// The last two are subtracted.
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

    /// The factors of the colour conversion, times 65536 and not rounded to 16 bits.
    var exactFactors: ww_exact_colour {
        let (rv, bu, gu, gv) = table
        func ranged(_ value: Int) -> Int32 { Int32(fullRange ? (value * 224 + 127) / 255 : value) }
        return ww_exact_colour(
            y_offset: fullRange ? 0 : 16, y: fullRange ? 65_536 : 76_309, rv: ranged(rv), bu: ranged(bu),
            gu: -ranged(gu), gv: -ranged(gv))
    }
}
