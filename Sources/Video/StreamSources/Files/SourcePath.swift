import Foundation

/// The path of the file that a text names: a path, `file:/path`, `file:///path` or `file://localhost/path`.
///
/// It is stored as bytes, because file names need not be UTF-8. In a `file:` URI only percent-encoding is decoded: `?`
/// and `#` are part of the name.
package struct SourcePath: Equatable {
    package let bytes: [UInt8]

    /// Reads a path or a `file:` URI; nil if the text names no file of this machine.
    package init?(_ text: String) {
        let path = ProcessArguments.path(text).dropLast().map { UInt8(bitPattern: $0) }
        switch SourceURI.scheme(text) {
        case nil:
            bytes = path.first == UInt8(ascii: "/") ? path : Self.here + path
        case "file":
            guard let path = Self.path(ofURI: path) else { return nil }
            bytes = Self.decoded(path)
        default: return nil
        }
    }

    private static var here: [UInt8] { Array(FileManager.default.currentDirectoryPath.utf8) + [UInt8(ascii: "/")] }

    /// Returns the path of a `file:` URI; nil unless its host is empty or `localhost`.
    private static func path(ofURI uri: [UInt8]) -> [UInt8]? {
        let rest = uri.dropFirst("file:".utf8.count)
        guard rest.starts(with: "//".utf8) else { return Array(rest) }
        let place = rest.dropFirst(2)
        let host = String(decoding: place.prefix { $0 != UInt8(ascii: "/") }, as: UTF8.self)
        guard host.isEmpty || host.lowercased() == "localhost" else { return nil }
        return Array(place.dropFirst(host.utf8.count))
    }

    /// Returns the bytes with percent-encoding decoded.
    private static func decoded(_ text: [UInt8]) -> [UInt8] {
        var found: [UInt8] = []
        var at = 0
        while at < text.count {
            if text[at] == UInt8(ascii: "%"), at + 2 < text.count,
                let high = Character(UnicodeScalar(text[at + 1])).hexDigitValue,
                let low = Character(UnicodeScalar(text[at + 2])).hexDigitValue, (high, low) != (0, 0)
            {
                found.append(UInt8(high * 16 + low))
                at += 3
            } else {
                found.append(text[at])
                at += 1
            }
        }
        return found
    }

    /// The path as text, with U+FFFD in place of bytes that are not UTF-8.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The `file:` URI of the path; bytes other than letters, digits and `-_.~/` are percent-encoded.
    package var uri: String {
        let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~/".utf8)
        let digits = Array("0123456789ABCDEF")
        return "file://"
            + bytes.map { byte in
                plain.contains(byte)
                    ? String(UnicodeScalar(byte)) : "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }.joined()
    }

    package var terminated: [CChar] { bytes.map { CChar(bitPattern: $0) } + [0] }
}
