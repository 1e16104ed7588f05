extension PictureHeader {
    /// Reads a PNG file's header: the size is in the first chunk, and the Exif chunk (`eXIf`) has the orientation.
    static func png(_ bytes: FileBytes) -> PictureHeader? {
        guard bytes.has("IHDR", at: 12), let width = bytes.big32(16), let height = bytes.big32(20) else { return nil }
        var header = PictureHeader(.png, width: width, height: height)
        var at = 8
        while let length = bytes.big32(at), !bytes.has("IEND", at: at + 4) {
            if bytes.has("eXIf", at: at + 4), at + 8 + length <= bytes.count {
                let exif = FileBytes(bytes: Array(bytes.bytes[(at + 8)..<(at + 8 + length)]))
                header.orientation = Self.orientation(exif: exif) ?? .upright
            }
            at += 12 + length
        }
        return header
    }

    /// Reads a WebP file's header: the canvas's size in chunk `VP8X`, or the picture's in `VP8 ` or `VP8L`.
    static func webp(_ bytes: FileBytes) -> PictureHeader? {
        if bytes.has("VP8 ", at: 12), bytes.has([0x9D, 0x01, 0x2A], at: 23), let width = bytes.little16(26),
            let height = bytes.little16(28)
        {
            return PictureHeader(.webp, width: width & 0x3FFF, height: height & 0x3FFF)
        }
        if bytes.has("VP8L", at: 12), bytes[20] == 0x2F, let bits = bytes.little32(21) {
            return PictureHeader(.webp, width: bits & 0x3FFF + 1, height: bits >> 14 & 0x3FFF + 1)
        }
        guard bytes.has("VP8X", at: 12), let width = bytes.little24(24), let height = bytes.little24(27) else {
            return nil
        }
        var header = PictureHeader(.webp, width: width + 1, height: height + 1)
        var at = 12
        while let length = bytes.little32(at + 4) {
            let body = at + 8
            if bytes.has("EXIF", at: at), body + length <= bytes.count {
                // Some writers put JPEG's prefix before the Exif data.
                let start = bytes.has("Exif\0\0", at: body) ? min(body + 6, body + length) : body
                let exif = FileBytes(bytes: Array(bytes.bytes[start..<body + length]))
                header.orientation = Self.orientation(exif: exif) ?? .upright
            }
            at = body + length + length % 2
        }
        return header
    }

    /// Reads a GIF file's size: that of its screen, or more if a frame goes beyond it; nil if the file is damaged.
    static func gif(_ bytes: FileBytes) -> PictureHeader? {
        guard let screenWidth = bytes.little16(6), let screenHeight = bytes.little16(8), let flags = bytes[10] else {
            return nil
        }
        func tableBytes(_ flags: Int) -> Int { flags & 0x80 != 0 ? 3 << (flags & 7 + 1) : 0 }
        var (width, height) = (screenWidth, screenHeight)
        var at = 13 + tableBytes(flags)
        func afterBlocks(_ start: Int) -> Int {
            var at = start
            while let length = bytes[at], length > 0 { at += 1 + length }
            return at + 1
        }
        var frames = 0
        while let kind = bytes[at], kind != 0x3B {
            switch kind {
            case 0x21: at = afterBlocks(at + 2)
            case 0x2C:
                guard let left = bytes.little16(at + 1), let top = bytes.little16(at + 3),
                    let across = bytes.little16(at + 5), let down = bytes.little16(at + 7), let local = bytes[at + 9]
                else { return nil }
                (width, height) = (max(width, left + across), max(height, top + down))
                frames += 1
                at = afterBlocks(at + 10 + tableBytes(local) + 1)
                guard at <= bytes.count else { return nil }
            default: return nil
            }
        }
        guard frames > 0 else { return nil }
        var header = PictureHeader(.gif, width: width, height: height)
        header.decoderBytes = width * height * 8  // one canvas, and one to go back to
        return header
    }

    static func bmp(_ bytes: FileBytes) -> PictureHeader? {
        let isOld = bytes.little32(14) == 12
        guard let start = bytes.little32(10), let width = isOld ? bytes.little16(18) : bytes.little32(18),
            let rows = isOld ? bytes.little16(20) : bytes.little32(22), let bits = bytes.little16(isOld ? 24 : 28)
        else { return nil }
        // A negative height means that the rows begin at the top.
        let height = isOld ? rows : Int(Int32(truncatingIfNeeded: rows).magnitude)
        var header = PictureHeader(.bmp, width: width, height: height)
        guard width < 1 << 17, height < 1 << 17 else { return header }
        header.decoderBytes = width * height
        header.bodyEnd = start + (width * bits + 31) / 32 * 4 * height
        // For run-length encoding, the header states the length of the data.
        let compression = isOld ? 0 : bytes.little32(30) ?? 0
        if compression == 1 || compression == 2 { header.bodyEnd = start + (bytes.little32(34) ?? 0) }
        return header
    }

    /// Returns true if a TIFF file has alpha: its decoder blends colours with black by alpha, which cannot be undone.
    static func hasAlpha(tiff bytes: FileBytes) -> Bool { TIFFTags(bytes)[338] != nil }

    static func tiff(_ bytes: FileBytes) -> PictureHeader? {
        let tags = TIFFTags(bytes)
        guard let width = tags[256], let height = tags[257] else { return nil }
        var header = PictureHeader(.tiff, width: width, height: height)
        header.orientation = tags[274].flatMap(PictureOrientation.init) ?? .upright
        header.decoderBytes = width < 1 << 17 && height < 1 << 17 ? width * height * 4 : 0
        return header
    }

    /// Returns the orientation in an Exif block, which is itself a TIFF file; nil if it has none.
    static func orientation(exif: FileBytes) -> PictureOrientation? {
        TIFFTags(exif)[274].flatMap(PictureOrientation.init)
    }
}

/// The integer tags in a TIFF file's first directory, by their numbers.
private struct TIFFTags {
    private var values: [Int: Int] = [:]

    init(_ bytes: FileBytes) {
        let bigEndian = bytes.has("MM")
        guard bigEndian || bytes.has("II"), bytes.number(2, 2, bigEndian: bigEndian) == 42,
            let start = bytes.number(4, 4, bigEndian: bigEndian),
            let count = bytes.number(start, 2, bigEndian: bigEndian)
        else { return }
        for entry in 0..<min(count, 1024) {
            let at = start + 2 + 12 * entry
            guard let tag = bytes.number(at, 2, bigEndian: bigEndian),
                let type = bytes.number(at + 2, 2, bigEndian: bigEndian), type == 3 || type == 4,
                let value = bytes.number(at + 8, type == 3 ? 2 : 4, bigEndian: bigEndian)
            else { continue }
            if values[tag] == nil { values[tag] = value }
        }
    }

    subscript(_ tag: Int) -> Int? { values[tag] }
}
