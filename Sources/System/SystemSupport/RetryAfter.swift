package import Foundation

/// Parses the HTTP header `Retry-After`, by which a busy server asks for a pause.
package enum RetryAfter {
    /// Returns the seconds from now, at most `limit`, so that one answer cannot stop a stream for a day.
    ///
    /// Returns nil for a text that is neither a whole number of seconds nor an HTTP date.
    package static func seconds(_ text: String, limit: Double = 300, now: Date = Date()) -> Double? {
        let text = text.trimmingCharacters(in: .whitespaces)
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return min(Double(text) ?? limit, limit)
        }
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "UTC")
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return format.date(from: text).map { min(max($0.timeIntervalSince(now), 0), limit) }
    }
}
