extension PictureHeader {
    /// Reads a JPEG file's segments: the frame header has the size, and an Exif segment before it the orientation.
    ///
    /// Nil if the file has no frame header; throws if the picture's kind is not supported.
    static func jpeg(_ bytes: FileBytes) throws(PictureError) -> PictureHeader? {
        var orientation = PictureOrientation.upright
        var segments = JPEGSegments(bytes)
        while let (marker, body) = segments.next() {
            if marker == 0xE1, body.count > 6, bytes.has("Exif\0\0", at: body.lowerBound) {
                let exif = FileBytes(bytes: Array(bytes.bytes[(body.lowerBound + 6)..<body.upperBound]))
                orientation = Self.orientation(exif: exif) ?? orientation
            }
            guard (0xC0...0xCF).contains(marker), ![0xC4, 0xC8, 0xCC].contains(marker) else { continue }
            guard [0xC0, 0xC1, 0xC2, 0xC9, 0xCA].contains(marker) else {
                throw PictureError("it is a lossless or hierarchical JPEG picture; save it as PNG")
            }
            guard let precision = bytes[body.lowerBound], let height = bytes.big16(body.lowerBound + 1),
                let width = bytes.big16(body.lowerBound + 3), let components = bytes[body.lowerBound + 5]
            else { return nil }
            guard precision == 8 else {
                throw PictureError("it is a JPEG picture of \(precision) bits, only 8 are decoded; save it as PNG")
            }
            guard [1, 3, 4].contains(components) else {
                throw PictureError("it is a JPEG picture of \(components) components, expected 1, 3 or 4")
            }
            var header = PictureHeader(.jpeg, width: width, height: height)
            header.orientation = orientation
            // CMYK is decoded before it becomes RGB; a progressive picture keeps coefficients of two bytes until the
            // last scan.
            let samples = Self.samples(bytes, body, components, width * height)
            header.decoderBytes = (components == 4 ? width * height * 4 : 0) + (marker % 4 == 2 ? 2 * samples : 0)
            return header
        }
        return nil
    }

    /// Returns the number of samples of all colour components of a JPEG, each at its own size.
    private static func samples(_ bytes: FileBytes, _ body: Range<Int>, _ components: Int, _ pixels: Int) -> Int {
        let factors = (0..<components).map { component in
            let both = bytes[body.lowerBound + 7 + 3 * component] ?? 0x11
            return (both >> 4) * (both & 15)
        }
        let most = max(factors.max() ?? 1, 1)
        return factors.reduce(0) { $0 + pixels * $1 / most }
    }

    /// Returns true if a JPEG file has its end marker; a truncated one would be decoded with grey in the missing part.
    static func isWhole(jpeg bytes: FileBytes) -> Bool {
        var segments = JPEGSegments(bytes)
        while segments.next() != nil {}
        return segments.isAtEnd
    }
}

/// Iterates over the segments of a JPEG file, and skips the data of scans.
struct JPEGSegments {
    private let bytes: FileBytes
    private var at = 2
    /// True once the JPEG file's end marker (EOI) was reached.
    private(set) var isAtEnd = false

    init(_ bytes: FileBytes) { self.bytes = bytes }

    /// Returns the next marker and the range of its content; nil at the file's end, also if it is truncated.
    mutating func next() -> (marker: Int, body: Range<Int>)? {
        while !isAtEnd, at < bytes.count - 1 {
            guard bytes.bytes[at] == 0xFF else {
                at += 1
                continue
            }
            let marker = Int(bytes.bytes[at + 1])
            switch marker {
            case 0xFF: at += 1  // filling
            case 0x00, 0x01, 0xD0...0xD8: at += 2
            case 0xD9:
                at += 2
                isAtEnd = true
                return (marker, at..<at)
            default:
                guard let length = bytes.big16(at + 2), length >= 2, at + 2 + length <= bytes.count else {
                    at = bytes.count
                    return nil
                }
                defer { at += 2 + length }
                return (marker, at + 4..<at + 2 + length)
            }
        }
        return nil
    }
}
