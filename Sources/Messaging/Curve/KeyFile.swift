import Foundation

/// A file with one key: lines that begin with `#`, and one of 40 letters.
package enum KeyFile {
    /// A secret key; a file that others than its owner may read is refused.
    ///
    /// `isGroupAllowed`: the owner's group may read it too, as systemd has it in a credentials directory.
    package static func secret(_ path: String, isGroupAllowed: Bool = false) throws(CurveKeyError) -> CurveSecretKey {
        let text = try read(path, forbidden: isGroupAllowed ? 0o007 : 0o077)
        do {
            return try CurveSecretKey(z85: line(text))
        } catch {
            throw CurveKeyError(error.kind, "\(path): \(error)")
        }
    }

    package static func publicKey(_ path: String) throws(CurveKeyError) -> CurvePublicKey {
        let text = try read(path, forbidden: 0)
        do {
            return try CurvePublicKey(z85: line(text))
        } catch {
            throw CurveKeyError(error.kind, "\(path): \(error)")
        }
    }

    private static func line(_ text: String) throws(CurveKeyError) -> Substring {
        // A key may begin with #, too.
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") || $0.utf8.count == 40 }
        let keys = lines.filter { !$0.allSatisfy(\.isWhitespace) }
        guard keys.count == 1, let key = keys.first else {
            throw CurveKeyError(.malformed, "one line with a key is expected, and there are \(keys.count)")
        }
        return key
    }

    /// Reads a small file whose mode has none of the forbidden bits.
    private static func read(_ path: String, forbidden: mode_t) throws(CurveKeyError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw CurveKeyError(.missing, "\(path): the key cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            throw CurveKeyError(.missing, "\(path): this is no file")
        }
        guard information.st_mode & forbidden == 0 else {
            throw CurveKeyError(.exposed, "\(path): other users can read this secret key; chmod 600 it")
        }
        var bytes = [UInt8](repeating: 0, count: 4097)
        let count = Foundation.read(descriptor, &bytes, bytes.count)
        guard (0...4096).contains(count) else {
            throw CurveKeyError(.malformed, "\(path): a file of a key is no larger than 4096 bytes")
        }
        guard let text = String(validating: bytes[..<count], as: UTF8.self) else {
            throw CurveKeyError(.malformed, "\(path): this is not text")
        }
        return text
    }
}
