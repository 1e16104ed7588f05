import Foundation
import SystemSupport

/// Reads a key file: comment lines that begin with `#`, and one line with the key's 40 characters.
package enum KeyFile {
    /// Reads a secret key from a file; throws if other users may read or change the file.
    ///
    /// `credentials` is systemd's directory of credentials, in which a file may look readable by its group although it
    /// is not.
    package static func secret(
        _ path: String, credentials: String? = Credential.directory
    ) throws(CurveKeyError) -> CurveSecretKey {
        let text = try read(path, "secret key", .secret, credentials)
        do {
            return try CurveSecretKey(z85: line(text))
        } catch {
            throw CurveKeyError(error.kind, path: path, error.reason)
        }
    }

    package static func publicKey(_ path: String) throws(CurveKeyError) -> CurvePublicKey {
        let text = try read(path, "public key", .trusted, Credential.directory)
        do {
            return try CurvePublicKey(z85: line(text))
        } catch {
            throw CurveKeyError(error.kind, path: path, error.reason)
        }
    }

    private static func line(_ text: String) throws(CurveKeyError) -> Substring {
        // No key begins with #, although it is a letter of Z85: its five letters would be more than 32 bits.
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }
        let keys = lines.filter { !$0.allSatisfy(\.isWhitespace) }
        guard keys.count == 1, let key = keys.first else {
            throw CurveKeyError(.malformed, "one line with a key is expected, and there are \(keys.count)")
        }
        return key
    }

    private static func read(
        _ path: String, _ what: String, _ secrecy: GuardedFile.Secrecy, _ credentials: String?
    ) throws(CurveKeyError) -> String {
        let data: Data
        do {
            data = try GuardedFile.read(path, what, secrecy, limit: 4096, credentials: credentials)
        } catch {
            throw CurveKeyError(error.kind, path: path, "\(error)")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw CurveKeyError(.malformed, path: path, "this is not text")
        }
        return text
    }
}
