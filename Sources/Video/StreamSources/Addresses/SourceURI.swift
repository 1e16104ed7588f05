import Foundation

/// Reads the URI of a source as people write it: a text without a scheme is the path of a file.
package enum SourceURI {
    /// Returns a URI's scheme in lower case; nil for a path without a scheme.
    package static func scheme(_ uri: String) -> String? {
        // `file:` is the only scheme that may also be written without `//`.
        if uri.prefix(6).lowercased() == "file:/" { return "file" }
        guard let range = uri.range(of: "://"), !uri[..<range.lowerBound].isEmpty,
            uri[..<range.lowerBound].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+.-".contains($0)) })
        else { return nil }
        return uri[..<range.lowerBound].lowercased()
    }

    /// Returns a URI, or a text that quotes one, with every part replaced that may be secret.
    ///
    /// The scheme, the host and the port are kept, and of the rest only parts that are known to be harmless.
    package static func redacted(_ text: String) -> String { Redaction.redacted(text) }

    /// Returns the path of the file that a path or a `file:` URI names; nil for other URIs.
    package static func file(_ uri: String) -> String? { SourcePath(uri)?.text }
}
