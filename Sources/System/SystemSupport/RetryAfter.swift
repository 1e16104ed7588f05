package import Foundation

/// Parses the HTTP header `Retry-After`, in which a busy server says how long to wait.
package enum RetryAfter {
    /// Returns the number of seconds to wait from `now`, at most `limit`; nil if the text is not valid.
    ///
    /// Valid are a whole number of seconds and an HTTP date. The limit keeps one answer from stopping a stream for a
    /// day.
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
