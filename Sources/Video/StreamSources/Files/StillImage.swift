package import Foundation
package import Pixels

/// Reads still pictures (JPEG, PNG, WebP, GIF, BMP, TIFF), and resizes them for the image encoder.
package enum StillImage {
    /// The greatest size of a picture's file in bytes (64 MiB).
    package static let largest = 64 << 20

    /// Reads a picture's file, and ignores the rotation in its EXIF data, as CLIP's own code does.
    ///
    /// It blocks the calling thread for reading and decoding.
    package static func picture(file path: String, framing: Framing) throws(SourceError) -> Picture {
        let descriptor = open(SourcePath(path)?.terminated ?? ProcessArguments.path(path), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw SourceError(
                "\(path): \(errno == ENOENT ? "there is no such file" : String(cString: strerror(errno)))")
        }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let bytes: Data
        do {
            // The path may name a device, which never ends.
            bytes = try file.read(upToCount: largest + 1) ?? Data()
        } catch {
            throw SourceError("\(path): it cannot be read")
        }
        guard bytes.count <= largest else {
            throw SourceError("\(path): it has more than \(largest >> 20) MiB, a picture may have as many")
        }
        return try decoded([UInt8](bytes), shown: path, framing: framing, upright: false)
    }

    /// Decodes a picture's file from memory, rotated upright by its EXIF data; `shown` names the picture in errors.
    package static func picture(bytes: Data, shown: String, framing: Framing) throws(SourceError) -> Picture {
        try decoded([UInt8](bytes), shown: shown, framing: framing, upright: true)
    }

    /// Reads a picture's file like `picture(file:framing:)`, scaled and cropped to `side` pixels as by CLIP's own code.
    package static func picture(file path: String, side: Int) throws(SourceError) -> Picture {
        try picture(file: path, framing: Framing(side: side))
    }

    /// Decodes a picture like `picture(bytes:shown:framing:)`, scaled and cropped to `side` pixels as by CLIP's code.
    package static func picture(bytes: Data, shown: String, side: Int) throws(SourceError) -> Picture {
        try picture(bytes: bytes, shown: shown, framing: Framing(side: side))
    }

    private static func decoded(
        _ bytes: [UInt8], shown: String, framing: Framing, upright: Bool
    ) throws(SourceError) -> Picture {
        do { return try StillPicture(decoding: bytes).picture(framing, upright: upright) } catch {
            throw SourceError("\(shown): \(error)", isBadData: true)
        }
    }
}
