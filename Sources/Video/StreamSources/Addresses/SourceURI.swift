import Foundation

/// Reads URIs as people write them: a bare path is a file, and credentials are never shown.
package enum SourceURI {
    /// The scheme, lower-case; nil for a bare path.
    package static func scheme(_ uri: String) -> String? {
        // The one scheme that is written without a host, too.
        if uri.prefix(6).lowercased() == "file:/" { return "file" }
        guard let range = uri.range(of: "://"), !uri[..<range.lowerBound].isEmpty,
            uri[..<range.lowerBound].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+.-".contains($0)) })
        else { return nil }
        return uri[..<range.lowerBound].lowercased()
    }

    /// Returns a URI, or a text that quotes one, without anything that may be secret.
    ///
    /// Scheme, host and port are kept, and of the rest only parts that are known to be harmless.
    package static func redacted(_ text: String) -> String { Redaction.redacted(text) }

    /// The file of a bare path or a `file:` URI; nil for others.
    package static func file(_ uri: String) -> String? { SourcePath(uri)?.text }
}
