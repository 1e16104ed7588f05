/// The secrets of one source, such as its password, which are replaced by `…` in every message about it.
package struct SourceSecrets: Sendable {
    private let values: [[UInt8]]

    /// The least length in bytes of a secret that is replaced; shorter ones occur in ordinary words.
    private static let shortest = 3

    package init(_ texts: [String], known: [String] = []) {
        let all = Set(texts.flatMap { Redaction.secrets(in: $0) } + known)
        // The longest secret first, because a shorter one may be a part of it.
        values = all.map { Array($0.utf8) }.filter { $0.count >= Self.shortest }.sorted { $0.count > $1.count }
    }

    package func hidden(in text: String) -> String {
        var bytes = Array(Redaction.redacted(text).utf8)
        for value in values { bytes = Self.replacing(value, in: bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func replacing(_ value: [UInt8], in bytes: [UInt8]) -> [UInt8] {
        var found: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if bytes[at...].starts(with: value) {
                found += Array("…".utf8)
                at += value.count
            } else {
                found.append(bytes[at])
                at += 1
            }
        }
        return found
    }
}
