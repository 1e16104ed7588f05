package import Foundation

/// How long a server that is busy asks to be left alone: the value of `Retry-After`.
package enum RetryAfter {
    /// The longest pause that is obeyed, in seconds: a stream does not go blind for a day by one answer.
    package static let most = 300.0

    /// Seconds from now; nil for what is neither a number of them nor a date of HTTP.
    package static func seconds(_ text: String, now: Date = Date()) -> Double? {
        let text = text.trimmingCharacters(in: .whitespaces)
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return min(Double(text) ?? most, most)
        }
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "UTC")
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return format.date(from: text).map { min(max($0.timeIntervalSince(now), 0), most) }
    }
}
