package import Foundation
package import Pixels

/// Still pictures (JPEG, PNG, WebP, GIF, BMP, TIFF), resized for the encoder; films have another way in.
package enum StillImage {
    /// Limit on the bytes of a file.
    package static let largest = 64 << 20

    /// Reads a file as CLIP's own code does: its pixels as they are stored, whatever its EXIF data says of turning
    /// them.
    ///
    /// Waits for the disk and the decoder: call it where waiting is allowed.
    package static func picture(file path: String, framing: Framing) throws(SourceError) -> Picture {
        let descriptor = open(SourcePath(path)?.terminated ?? ProcessArguments.path(path), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw SourceError(
                "\(path): \(errno == ENOENT ? "there is no such file" : String(cString: strerror(errno)))")
        }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let bytes: Data
        do {
            // A device may never end.
            bytes = try file.read(upToCount: largest + 1) ?? Data()
        } catch {
            throw SourceError("\(path): it cannot be read")
        }
        guard bytes.count <= largest else {
            throw SourceError("\(path): it has more than \(largest >> 20) MiB, a picture may have as many")
        }
        return try decoded([UInt8](bytes), shown: path, framing: framing, upright: false)
    }

    /// Decodes the bytes of a picture's file as a person sees it, turned as its EXIF data says; `shown` names it in
    /// errors.
    package static func picture(bytes: Data, shown: String, framing: Framing) throws(SourceError) -> Picture {
        try decoded([UInt8](bytes), shown: shown, framing: framing, upright: true)
    }

    /// Reads a file as `picture(file:framing:)` does, in CLIP's own framing.
    package static func picture(file path: String, side: Int) throws(SourceError) -> Picture {
        try picture(file: path, framing: Framing(side: side))
    }

    /// Decodes bytes as `picture(bytes:shown:framing:)` does, in CLIP's own framing.
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
