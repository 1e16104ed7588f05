package import Foundation

/// How long a server that is busy asks to be left alone: the value of `Retry-After`.
package enum RetryAfter {
    /// Seconds from now, `limit` at most: a stream does not go blind for a day by one answer.
    ///
    /// nil for what is neither a whole number of them nor a date of HTTP.
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
