import CKernels
import CTurboJPEG
package import Foundation

/// A small picture of a frame to show to people: interleaved RGB, `[height, width, 3]`.
///
/// It is made of every sampled frame, since each may become an event's snapshot, so it must be cheap: whole numbers of
/// samples are averaged, and nothing is interpolated.
package struct Preview: Sendable, Equatable {
    package let width: Int
    package let height: Int
    package let rgb: [UInt8]

    /// The longest side of a preview in pixels.
    package static let longestSide = 640

    package init(_ frame: DecodedFrame) {
        guard frame.isPlain else {
            self = Self.shown(frame)
            return
        }
        let longest = max(frame.width, frame.height)
        let factor = min((longest + Self.longestSide - 1) / Self.longestSide, min(frame.width, frame.height), 255)
        let (width, height) = (frame.width / factor, frame.height / factor)
        var sums = [UInt16](repeating: 0, count: frame.width * 3)
        rgb = [UInt8](unsafeUninitializedCapacity: width * height * 3) { out, count in
            var planes = frame.planes
            ww_preview(
                out.baseAddress, &sums, &planes, Int32(frame.width), Int32(frame.height), Int32(factor))
            count = width * height * 3
        }
        self.width = width
        self.height = height
    }

    /// Makes the preview of a frame that is rotated, has samples that are not square, or chroma other than 4:2:0.
    private static func shown(_ frame: DecodedFrame) -> Preview {
        let size = frame.shownSize
        let scale = min(Double(longestSide) / Double(max(size.width, size.height)), 1)
        let (width, height) = (
            max(Int((Double(size.width) * scale).rounded()), 1), max(Int((Double(size.height) * scale).rounded()), 1)
        )
        var row = [UInt8](repeating: 0, count: frame.width * 3)
        var sums = [UInt32](repeating: 0, count: width * 3)
        let rgb = [UInt8](unsafeUninitializedCapacity: width * height * 3) { out, count in
            var planes = frame.planes
            ww_preview_upright(
                out.baseAddress, &row, &sums, &planes, Int32(frame.width), Int32(frame.height), Int32(width),
                Int32(height))
            count = width * height * 3
        }
        return Preview(width: width, height: height, rgb: rgb)
    }

    /// `rgb`: `[height, width, 3]`.
    package init(width: Int, height: Int, rgb: [UInt8]) {
        self.width = width
        self.height = height
        self.rgb = rgb
    }

    /// The preview at half its size, each pixel the mean of four; unchanged if a side has one pixel.
    package var halved: Preview {
        let (width, height, row) = (self.width / 2, self.height / 2, self.width * 3)
        guard width > 0, height > 0 else { return self }
        let half = [UInt8](unsafeUninitializedCapacity: width * height * 3) { out, count in
            for y in 0..<height {
                for x in 0..<width * 3 {
                    let at = 2 * y * row + x / 3 * 6 + x % 3
                    let sum = Int(rgb[at]) + Int(rgb[at + 3]) + Int(rgb[at + row]) + Int(rgb[at + row + 3])
                    out[y * width * 3 + x] = UInt8((sum + 2) / 4)
                }
            }
            count = width * height * 3
        }
        return Preview(width: width, height: height, rgb: half)
    }

    /// Returns the preview, halved until no side is longer than `longest` pixels, or one side has a single pixel.
    package func atMost(_ longest: Int) -> Preview {
        var picture = self
        while max(picture.width, picture.height) > longest, min(picture.width, picture.height) > 1 {
            picture = picture.halved
        }
        return picture
    }

    /// Returns one picture that shows several side by side, in rows of at most `columns`; nil without pictures.
    ///
    /// Pictures of another size than the first are left out. Empty places of the last row are black.
    package static func strip(_ pictures: [Preview], columns: Int) -> Preview? {
        guard let first = pictures.first, columns > 0 else { return nil }
        let same = pictures.filter { ($0.width, $0.height) == (first.width, first.height) }
        let (across, down) = (min(columns, same.count), (same.count + columns - 1) / columns)
        let (line, row) = (first.width * 3, first.width * 3 * across)
        var rgb = [UInt8](repeating: 0, count: row * first.height * down)
        for (number, picture) in same.enumerated() {
            let corner = number / across * first.height * row + number % across * line
            for y in 0..<first.height {
                let (from, to) = (y * line, corner + y * row)
                rgb.replaceSubrange(to..<to + line, with: picture.rgb[from..<from + line])
            }
        }
        return Preview(width: first.width * across, height: first.height * down, rgb: rgb)
    }

    /// Returns the preview as a JPEG file; nil if libjpeg-turbo fails, which happens only if memory runs out.
    package func jpeg(quality: Int = 85) -> Data? {
        guard let compressor = tjInitCompress() else { return nil }
        defer { tjDestroy(compressor) }
        var bytes: UnsafeMutablePointer<UInt8>?
        var size: UInt = 0
        defer { tjFree(bytes) }
        let status = tjCompress2(
            compressor, rgb, Int32(width), 0, Int32(height), Int32(TJPF_RGB.rawValue), &bytes, &size,
            Int32(TJSAMP_420.rawValue), Int32(quality), TJFLAG_FASTDCT)
        guard status == 0, let bytes else { return nil }
        return Data(bytes: bytes, count: Int(size))
    }
}
