import Digests
package import Foundation

/// A secret of Standard Webhooks, which signs requests.
package struct WebhookSecret: Sendable, Equatable {
    private let key: [UInt8]

    /// Parses `whsec_` and 24 to 64 bytes in base64; the prefix is optional.
    package init?(_ text: String) {
        let prefix = "whsec_"
        var coded = text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text
        coded += String(repeating: "=", count: (4 - coded.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: coded), (24...64).contains(data.count) else { return nil }
        key = [UInt8](data)
    }

    /// The value of `webhook-signature`: the HMAC-SHA256 of id, time in seconds since 1970, and body.
    package func signature(id: String, timestamp: Int64, body: Data) -> String {
        let code = HMAC.sha256(Array("\(id).\(timestamp).".utf8) + body, key: key)
        return "v1,\(Data(code).base64EncodedString())"
    }
}
