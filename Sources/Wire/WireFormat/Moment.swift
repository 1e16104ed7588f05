import Foundation

/// A point in time with millisecond precision, coded in JSON as an ISO 8601 text in UTC.
package struct Moment: Codable, Sendable, Equatable, CustomStringConvertible {
    /// The time in milliseconds since 1970.
    private let milliseconds: Int64

    private static let plain = Date.ISO8601FormatStyle()
    private static let fractional = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    package init(secondsSince1970 seconds: Double) { milliseconds = Int64((seconds * 1000).rounded()) }

    /// Parses a date and a time with a zone, such as "2030-01-31T18:00:00Z" or "2030-01-31T19:00:00.5+01:00".
    ///
    /// Returns nil for impossible dates and times, such as 30 February or 24:00.
    package init?(_ text: String) {
        guard text.utf8.count <= 64, Self.isInCalendar(text),
            let date = (try? Self.plain.parse(text)) ?? (try? Self.fractional.parse(text))
        else { return nil }
        self.init(secondsSince1970: date.timeIntervalSince1970)
    }

    private static func isInCalendar(_ text: String) -> Bool {
        let form =
            /([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,9})?(?:Z|[+-]([0-9]{2}):?([0-9]{2}))/
        guard let found = try? form.wholeMatch(in: text)?.output,
            let year = Int(found.1), let month = Int(found.2), let day = Int(found.3), let hour = Int(found.4),
            let minute = Int(found.5), let second = Int(found.6), year > 0, (1...12).contains(month)
        else { return false }
        let (zoneHours, zoneMinutes) = (found.7.flatMap { Int($0) } ?? 0, found.8.flatMap { Int($0) } ?? 0)
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...days[month - 1]).contains(day) && hour < 24 && minute < 60 && second < 60 && zoneHours <= 14
            && zoneMinutes < 60
    }

    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        guard let read = Self(try value.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: value, debugDescription: "this is no moment of ISO 8601")
        }
        self = read
    }

    package func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        try value.encode(description)
    }

    package var secondsSince1970: Double { Double(milliseconds) / 1000 }

    package var description: String {
        let date = Date(timeIntervalSince1970: secondsSince1970)
        return milliseconds % 1000 == 0 ? date.formatted(Self.plain) : date.formatted(Self.fractional)
    }
}
