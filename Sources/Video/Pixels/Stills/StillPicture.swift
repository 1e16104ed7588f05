import CKernels
import CPictures
import CWebP

/// A decoded still picture: interleaved RGB, `[height, width, 3]`, like Pillow's `Image.open(...).convert("RGB")`.
///
/// Alpha is dropped, and channels of 16 bits are cut to their upper 8. One difference is deliberate: Pillow turns all
/// 16-bit grey levels above 255 white.
package struct StillPicture: Sendable, Equatable {
    package let width: Int
    package let height: Int
    package let rgb: [UInt8]
    /// The orientation by the file's EXIF data; the samples in `rgb` are not rotated yet.
    package let orientation: PictureOrientation

    /// Decodes a picture's file; throws if it is damaged, too large or of an unsupported format.
    ///
    /// Size and format are checked before anything is decoded. The calling thread is blocked while it decodes.
    package init(decoding file: [UInt8]) throws(PictureError) {
        let header = try PictureHeader(file)
        (width, height, orientation) = (header.width, header.height, header.orientation)
        rgb =
            switch header.kind {
            case .jpeg: try JPEGFile.rgb(file, header)
            case .webp: try Self.webp(file, header)
            case .png, .gif, .bmp, .tiff: try Self.decoded(file, header)
            }
    }

    /// Makes the square picture for the image encoder.
    ///
    /// With `upright` it is rotated by its EXIF data, as people see it; without, it is as stored, which is how CLIP's
    /// own code embeds pictures.
    package func picture(_ framing: Framing, upright: Bool) -> Picture {
        rgb.withUnsafeBufferPointer { samples in
            guard let first = samples.baseAddress else { return Picture(side: framing.side, rgb: []) }
            let stored = DecodedFrame(rgb: first, width: width, height: height, stride: width * 3)
            return Resizer(framing).picture(stored.shown(upright ? orientation : .upright))
        }
    }

    /// Decodes PNG by libpng, and GIF (its first frame), BMP and TIFF by gdk-pixbuf, each only by its own reader.
    private static func decoded(_ file: [UInt8], _ header: PictureHeader) throws(PictureError) -> [UInt8] {
        var why = [CChar](repeating: 0, count: 160)
        var status: Int32 = -1
        let (width, height) = (UInt32(header.width), UInt32(header.height))
        let rgb = [UInt8](unsafeUninitializedCapacity: header.width * header.height * 3) { out, count in
            status =
                header.kind == .png
                ? ww_png_decode(out.baseAddress, file, file.count, width, height, &why, why.count)
                : ww_pixbuf_decode(
                    out.baseAddress, file, file.count, header.kind.rawValue.lowercased(), width, height, &why,
                    why.count)
            count = status == 0 ? header.width * header.height * 3 : 0
        }
        guard status == 0 else {
            let reason = String(decoding: why.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw PictureError("it is a \(header.kind.rawValue) picture that cannot be decoded: \(reason)")
        }
        return rgb
    }

    private static func webp(_ file: [UInt8], _ header: PictureHeader) throws(PictureError) -> [UInt8] {
        let size = header.width * header.height * 3
        var isDecoded = false
        let rgb = [UInt8](unsafeUninitializedCapacity: size) { out, count in
            isDecoded = WebPDecodeRGBInto(file, file.count, out.baseAddress, size, Int32(header.width * 3)) != nil
            count = isDecoded ? size : 0
        }
        guard isDecoded else {
            throw PictureError("it is a WebP picture that is animated, cut off or damaged; save it as PNG")
        }
        return rgb
    }
}

extension StillPicture {
    /// The picture's samples turned upright, row by row: interleaved RGB.
    package var uprightSamples: [UInt8] {
        guard orientation != .upright else { return rgb }
        let turn = orientation.turn(width: width, height: height)
        let (columns, rows) = orientation.swapsSides ? (height, width) : (width, height)
        return [UInt8](unsafeUninitializedCapacity: rgb.count) { out, count in
            rgb.withUnsafeBufferPointer { stored in
                for y in 0..<rows {
                    for x in 0..<columns {
                        let column = Int(turn.column) + x * Int(turn.column_x) + y * Int(turn.column_y)
                        let row = Int(turn.row) + x * Int(turn.row_x) + y * Int(turn.row_y)
                        let (to, from) = ((y * columns + x) * 3, (row * width + column) * 3)
                        for channel in 0..<3 { out[to + channel] = stored[from + channel] }
                    }
                }
            }
            count = rgb.count
        }
    }
}
