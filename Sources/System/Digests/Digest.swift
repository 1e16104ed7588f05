import CGLib
import Foundation

/// A checksum of bytes that are added piece by piece, computed by GLib.
package final class Digest {
    package enum Algorithm { case sha1, sha256 }

    private let checksum: OpaquePointer

    package init(_ algorithm: Algorithm) {
        // GLib returns NULL only for an unknown algorithm.
        checksum = g_checksum_new(algorithm == .sha1 ? G_CHECKSUM_SHA1 : G_CHECKSUM_SHA256)
    }

    deinit { g_checksum_free(checksum) }

    /// Adds bytes to the checksum; must not be called after `hexadecimal` was read.
    package func update(_ bytes: some Collection<UInt8>) {
        let handled: Void? = bytes.withContiguousStorageIfAvailable { update($0) }
        if handled == nil { Array(bytes).withUnsafeBufferPointer(update) }
    }

    private func update(_ bytes: UnsafeBufferPointer<UInt8>) {
        if let base = bytes.baseAddress { g_checksum_update(checksum, base, gssize(bytes.count)) }
    }

    /// The digest in lower-case hexadecimal digits; no bytes can be added afterwards.
    package var hexadecimal: String { String(cString: g_checksum_get_string(checksum)) }

    /// Returns the digest of a whole file in hexadecimal digits, reading a mebibyte at a time.
    ///
    /// The UTF-8 bytes of `prefix` are hashed before the file's bytes.
    package static func of(
        file path: String, _ algorithm: Algorithm = .sha256, prefix: String = ""
    ) throws -> String {
        let file = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? file.close() }
        let digest = Digest(algorithm)
        digest.update(Array(prefix.utf8))
        while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty { digest.update(piece) }
        return digest.hexadecimal
    }
}
