/// The TLS certificates that a source accepts, instead of those of the system's certificate authorities.
///
/// Either `ca` or `fingerprint` is set. Verification cannot be turned off.
package struct TLSTrust: Codable, Sendable, Equatable {
    /// The path of a PEM file with the accepted certificates: those of authorities, or the camera's own.
    package var ca: String?
    /// The fingerprint of the only accepted certificate: `sha256:` and 64 hexadecimal digits, with or without colons.
    package var fingerprint: String?

    package init(ca: String? = nil, fingerprint: String? = nil) { (self.ca, self.fingerprint) = (ca, fingerprint) }

    /// The error message for invalid TLS settings; nil if the settings are valid.
    package var problem: String? {
        switch (ca, fingerprint) {
        case (nil, nil): "expected ca: a PEM file, or fingerprint: sha256:… of a certificate"
        case (.some, .some): "expected either ca or fingerprint, found both"
        case (let ca?, nil):
            ca.isEmpty || ca.utf8.count > 4096 || ca.utf8.contains(0) ? "ca: expected a PEM file" : nil
        case (nil, let text?):
            Self.digest(text) == nil
                ? "fingerprint: expected sha256: and 64 hexadecimal digits, found \"\(text.prefix(80))\"; "
                    + "openssl x509 -noout -fingerprint -sha256 -in FILE tells it" : nil
        }
    }

    /// Returns the 32 bytes of a fingerprint `sha256:AB:CD…`, with or without colons; nil for other texts.
    package static func digest(_ text: String) -> [UInt8]? {
        guard text.lowercased().hasPrefix("sha256:") else { return nil }
        let digits = text.utf8.dropFirst(7).filter { $0 != UInt8(ascii: ":") }.compactMap { Self.value($0) }
        let colons = text.utf8.dropFirst(7).count { $0 == UInt8(ascii: ":") }
        guard digits.count == 64, text.utf8.count == 7 + 64 + colons else { return nil }
        return stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Returns true if connections of this URI's scheme (https, rtsps and its variants) use these TLS settings.
    package static func takes(_ uri: String) -> Bool {
        guard let scheme = SourceURI.scheme(uri) else { return false }
        return scheme == "https" || scheme.hasPrefix("rtsps")
    }
}
