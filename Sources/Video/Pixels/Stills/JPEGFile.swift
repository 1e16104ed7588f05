import CTurboJPEG
package import Foundation

/// Decodes and encodes JPEG by libjpeg-turbo, with Pillow's settings: exact DCT and interpolated chroma.
package enum JPEGFile {
    /// Encodes interleaved RGB as a 4:2:2 JPEG, with chroma halved only across; nil if memory runs out.
    package static func encoded422(rgb: [UInt8], width: Int, height: Int) -> [UInt8]? {
        precondition(rgb.count == width * height * 3)
        guard let compressor = tjInitCompress() else { return nil }
        defer { tjDestroy(compressor) }
        var bytes: UnsafeMutablePointer<UInt8>?
        var size: UInt = 0
        defer { tjFree(bytes) }
        let status = tjCompress2(
            compressor, rgb, Int32(width), 0, Int32(height), Int32(TJPF_RGB.rawValue), &bytes, &size,
            Int32(TJSAMP_422.rawValue), 95, TJFLAG_ACCURATEDCT)
        guard status == 0, let bytes else { return nil }
        return [UInt8](UnsafeBufferPointer(start: bytes, count: Int(size)))
    }

    /// Halves the size of a preview's JPEG file, with a lower quality, if a side is longer than `longest` pixels.
    ///
    /// Smaller files are returned unchanged. Nil if the file cannot be decoded or a side is longer than twice
    /// `longest`.
    package static func reduced(_ file: Data, longest: Int, quality: Int) -> Data? {
        guard let decompressor = tjInitDecompress() else { return nil }
        defer { tjDestroy(decompressor) }
        var (width, height, subsampling, colours) = (Int32(0), Int32(0), Int32(0), Int32(0))
        let bytes = [UInt8](file)
        guard
            tjDecompressHeader3(
                decompressor, bytes, UInt(bytes.count), &width, &height, &subsampling, &colours) == 0,
            1...Int32(2 * longest) ~= width, 1...Int32(2 * longest) ~= height
        else { return nil }
        guard max(width, height) > Int32(longest) else { return file }
        // libjpeg-turbo halves the size while it decodes.
        let (halfWidth, halfHeight) = ((width + 1) / 2, (height + 1) / 2)
        var status: Int32 = -1
        let rgb = [UInt8](unsafeUninitializedCapacity: Int(halfWidth * halfHeight) * 3) { out, count in
            status = tjDecompress2(
                decompressor, bytes, UInt(bytes.count), out.baseAddress, halfWidth, 0, halfHeight,
                Int32(TJPF_RGB.rawValue), TJFLAG_FASTDCT)
            count = Int(halfWidth * halfHeight) * 3
        }
        guard status == 0 else { return nil }
        return Preview(width: Int(halfWidth), height: Int(halfHeight), rgb: rgb).jpeg(quality: quality)
    }

    static func rgb(_ file: [UInt8], _ header: PictureHeader) throws(PictureError) -> [UInt8] {
        guard PictureHeader.isWhole(jpeg: FileBytes(bytes: file)) else {
            throw PictureError("it is a JPEG picture that is cut off")
        }
        guard let decompressor = tjInitDecompress() else { throw PictureError("there is no memory to decode it") }
        defer { tjDestroy(decompressor) }
        var (width, height, subsampling, colours) = (Int32(0), Int32(0), Int32(0), Int32(0))
        // The call fails for unusual chroma subsamplings, but has then already read the size and the colours.
        _ = tjDecompressHeader3(
            decompressor, file, UInt(file.count), &width, &height, &subsampling, &colours)
        let isInk = colours == Int32(TJCS_CMYK.rawValue) || colours == Int32(TJCS_YCCK.rawValue)
        let samples = isInk ? 4 : 3
        let format = isInk ? TJPF_CMYK : TJPF_RGB
        var status: Int32 = -1
        let pixels = [UInt8](unsafeUninitializedCapacity: header.width * header.height * samples) { out, count in
            status = tjDecompress2(
                decompressor, file, UInt(file.count), out.baseAddress, Int32(header.width), 0, Int32(header.height),
                Int32(format.rawValue), TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS)
            count = header.width * header.height * samples
        }
        if status != 0 {
            let why = tjGetErrorStr2(decompressor).map { String(cString: $0) } ?? "unknown error"
            let isWarning = tjGetErrorCode(decompressor) == Int32(TJERR_WARNING.rawValue)
            guard isWarning, harmless.contains(where: { why.contains($0) }) else {
                throw PictureError("it is a JPEG picture that cannot be decoded: \(why)")
            }
        }
        return isInk ? rgb(fromInverted: pixels) : pixels
    }

    /// The libjpeg-turbo warnings that do not affect any pixel.
    private static let harmless = [
        "extraneous bytes before marker", "JFIF revision", "Adobe color transform", "Invalid SOS parameters",
    ]

    /// Converts the inverted CMYK of Adobe's programs (255 means no ink) to RGB; Pillow reads all JPEG CMYK so.
    private static func rgb(fromInverted pixels: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: pixels.count / 4 * 3) { out, count in
            for i in 0..<pixels.count / 4 {
                let paper = Int(pixels[4 * i + 3])
                for c in 0..<3 {
                    let product = (255 - Int(pixels[4 * i + c])) * paper + 128
                    out[3 * i + c] = UInt8(max(paper - (product + product >> 8) >> 8, 0))
                }
            }
            count = pixels.count / 4 * 3
        }
    }
}
