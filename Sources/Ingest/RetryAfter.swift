package import Foundation

/// What a server that has no time says of when to come again: seconds, or a moment.
package enum RetryAfter {
    /// Longer is not believed: a camera that is well again is not left alone for a day.
    package static let most = Duration.seconds(900)

    /// The pause that a header asks for, within bounds; nil if it says nothing that is understood.
    package static func pause(_ header: String, now: Date = Date()) -> Duration? {
        let text = header.trimmingCharacters(in: .whitespaces)
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return min(.seconds(Int64(text) ?? Int64(Int32.max)), most)
        }
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "GMT")
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        guard let moment = format.date(from: text) else { return nil }
        return min(.seconds(max(moment.timeIntervalSince(now), 0)), most)
    }
}
