/// The format, size and orientation of a picture's file, read before anything is decoded.
package struct PictureHeader: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case jpeg = "JPEG"
        case png = "PNG"
        case webp = "WebP"
        case gif = "GIF"
        case bmp = "BMP"
        case tiff = "TIFF"
    }

    package let kind: Kind
    package let width: Int
    package let height: Int
    /// The orientation by the file's EXIF data; upright if it has none.
    package var orientation = PictureOrientation.upright
    /// The bytes that the decoder needs besides the picture: coefficients of a progressive JPEG, canvases of a GIF.
    var decoderBytes = 0
    /// The least length in bytes of a complete file; 0 for formats whose decoder checks that itself.
    var bodyEnd = 0

    /// The greatest number of pixels of a still picture: 64 megapixels, more than cameras and phones have.
    package static let maxPixels = 1 << 26
    /// The greatest number of bytes of memory that decoding a picture may take.
    package static let maxBytes = 320 << 20

    init(_ kind: Kind, width: Int, height: Int) {
        (self.kind, self.width, self.height) = (kind, width, height)
    }

    /// Reads the header; throws unless the file is a picture of a supported format that is small enough.
    package init(_ file: [UInt8]) throws(PictureError) {
        let bytes = FileBytes(bytes: file)
        guard let kind = Self.kind(bytes) else { throw Self.refusal(bytes) }
        let header: PictureHeader? =
            switch kind {
            case .jpeg: try Self.jpeg(bytes)
            case .png: Self.png(bytes)
            case .webp: Self.webp(bytes)
            case .gif: Self.gif(bytes)
            case .bmp: Self.bmp(bytes)
            case .tiff: Self.tiff(bytes)
            }
        guard let header else { throw PictureError("it is a \(kind.rawValue) picture that is cut off or damaged") }
        self = header
        try check()
        if kind == .tiff, Self.hasAlpha(tiff: bytes) {
            throw PictureError("it is a TIFF picture with alpha, which is not decoded; save it as PNG")
        }
        guard header.bodyEnd <= file.count else {
            throw PictureError("it is a \(kind.rawValue) picture that is cut off")
        }
    }

    /// Returns a picture's format by its first bytes; nil for other files.
    static func kind(_ bytes: FileBytes) -> Kind? {
        if bytes.has([0xFF, 0xD8, 0xFF]) { return .jpeg }
        if bytes.has([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
        if bytes.has("RIFF"), bytes.has("WEBP", at: 8) { return .webp }
        if bytes.has("GIF87a") || bytes.has("GIF89a") { return .gif }
        if bytes.has("BM"), let size = bytes.little32(14), [12, 40, 52, 56, 64, 108, 124].contains(size) {
            return .bmp
        }
        if bytes.has([0x49, 0x49, 0x2A, 0]) || bytes.has([0x4D, 0x4D, 0, 0x2A]) { return .tiff }
        return nil
    }

    /// Returns the size in pixels that a picture's file states, however large; nil if it is not in these first bytes.
    package static func size(beginning file: [UInt8]) -> (width: Int, height: Int)? {
        let bytes = FileBytes(bytes: file)
        let header: PictureHeader? =
            switch kind(bytes) {
            case .jpeg: try? jpeg(bytes)
            case .png: png(bytes)
            case .webp: webp(bytes)
            // A GIF's frames lie within its screen, or are not decoded.
            case .gif:
                bytes.little16(6).flatMap { width in
                    bytes.little16(8).map { PictureHeader(.gif, width: width, height: $0) }
                }
            case .bmp: bmp(bytes)
            case .tiff: tiff(bytes)
            case nil: nil
            }
        return header.map { ($0.width, $0.height) }
    }

    /// Returns the size in pixels that a VP8 keyframe states; nil for other frames.
    package static func size(vp8 unit: [UInt8]) -> (width: Int, height: Int)? {
        let bytes = FileBytes(bytes: unit)
        guard let first = bytes[0], first & 1 == 0, bytes.has([0x9D, 0x01, 0x2A], at: 3),
            let width = bytes.little16(6), let height = bytes.little16(8)
        else { return nil }
        return (width & 0x3FFF, height & 0x3FFF)
    }

    private func check() throws(PictureError) {
        guard width > 0, height > 0 else {
            throw PictureError("it is a \(kind.rawValue) picture of \(width) x \(height) pixels")
        }
        guard width <= 1 << 16, height <= 1 << 16, width * height <= Self.maxPixels else {
            throw PictureError(
                "it has \(width) x \(height) pixels, at most \(Self.maxPixels / 1_000_000) million are decoded; make it smaller"
            )
        }
        let bytes = width * height * 3 + decoderBytes
        guard bytes <= Self.maxBytes else {
            throw PictureError(
                "decoding it takes \(bytes >> 20) MiB, at most \(Self.maxBytes >> 20) are taken; make it smaller")
        }
    }
}

extension PictureHeader {
    /// Returns the error for a file that is not a supported picture, which says what the file is.
    static func refusal(_ bytes: FileBytes) -> PictureError {
        let known = "a JPEG, PNG, WebP, GIF, BMP or TIFF picture"
        guard bytes.count > 0 else { return PictureError("expected \(known), found an empty file") }
        guard let found = foreignKind(bytes) else { return PictureError("expected \(known), found none of them") }
        return PictureError("expected \(known), found \(found); save it as JPEG or PNG")
    }

    private static func foreignKind(_ bytes: FileBytes) -> String? {
        if bytes.has("ftyp", at: 4) { return isoKind(bytes) }
        if bytes.has([0xFF, 0x0A]) || bytes.has("JXL ", at: 4) { return "JPEG XL" }
        if bytes.has("jP  ", at: 4) || bytes.has([0xFF, 0x4F, 0xFF, 0x51]) { return "JPEG 2000" }
        if bytes.has("8BPS") { return "a Photoshop document" }
        if bytes.has("%PDF") { return "PDF" }
        if bytes.has([0, 0, 1, 0]) { return "an icon (ICO)" }
        if bytes.has([0x49, 0x49, 0x2B, 0]) || bytes.has([0x4D, 0x4D, 0, 0x2B]) { return "BigTIFF" }
        if bytes.has([0x1A, 0x45, 0xDF, 0xA3]) { return "a film (Matroska or WebM)" }
        if bytes.has("RIFF"), bytes.has("AVI ", at: 8) { return "a film (AVI)" }
        if bytes.has("version https://git-lfs") { return "a Git LFS pointer (run git lfs pull)" }
        let start = String(decoding: bytes.bytes.prefix(256), as: UTF8.self).lowercased()
        if start.contains("<svg") { return "SVG" }
        if start.contains("<html") || start.contains("<!doctype html") { return "a web page (HTML)" }
        return nil
    }

    /// Returns the format of an ISO base media file (such as HEIC, AVIF or MP4) by its brands.
    private static func isoKind(_ bytes: FileBytes) -> String {
        let end = min(bytes.big32(0) ?? 0, 256)
        let brands = stride(from: 8, to: end, by: 4).filter { $0 != 12 }
        func hasBrand(_ names: [StaticString]) -> Bool {
            brands.contains { at in names.contains { bytes.has($0, at: at) } }
        }
        if hasBrand(["avif", "avis"]) { return "AVIF" }
        if hasBrand(["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"]) { return "HEIC" }
        if hasBrand(["mif1", "msf1"]) { return "HEIF" }
        return "a film (MP4)"
    }
}
