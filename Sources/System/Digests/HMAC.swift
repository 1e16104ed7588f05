import CGLib

/// Keyed hashes (RFC 2104), computed by GLib.
package enum HMAC {
    /// Returns the HMAC-SHA256 of `bytes` under `key`: 32 bytes.
    package static func sha256(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        let hmac = key.withUnsafeBufferPointer { g_hmac_new(G_CHECKSUM_SHA256, $0.baseAddress, gsize($0.count)) }
        defer { g_hmac_unref(hmac) }
        bytes.withUnsafeBufferPointer { if let base = $0.baseAddress { g_hmac_update(hmac, base, gssize($0.count)) } }
        var code = [UInt8](repeating: 0, count: 32)
        var count = gsize(code.count)
        g_hmac_get_digest(hmac, &code, &count)
        return code
    }
}
