import Foundation
import Printing

/// The weekly hours at which a query is active, in local time of one or more time zones.
///
/// An hour that occurs twice when clocks change counts twice; a skipped hour does not occur.
package struct ActiveHours: Sendable, Hashable {
    /// Hours of some days of the week in one time zone.
    package struct Rule: Sendable, Hashable {
        /// The time zone's IANA name, such as "Europe/Berlin".
        package let zone: String
        package let days: Set<Weekday>
        package let spans: [Span]
        fileprivate let timeZone: TimeZone
        /// The active seconds of a week that begins on Monday, as ascending, separate ranges.
        ///
        /// Only a range at the week's end and one at its beginning may touch.
        fileprivate let week: [Range<Int>]

        package init(
            zone: String, days: Set<Weekday> = Set(Weekday.allCases), spans: [Span] = [.wholeDay]
        ) throws(QueryPartError) {
            // Foundation also accepts "GMT+…" and abbreviations, which are rarely what a user means.
            guard zone.utf8.count <= 64, zone == "UTC" || zone.contains("/"), let timeZone = TimeZone(identifier: zone)
            else {
                throw QueryPartError(
                    "active", "zone \"\(zone.excerpt())\" is no time zone; use an IANA name, as in Europe/Berlin or UTC"
                )
            }
            guard !days.isEmpty else { throw QueryPartError("active", "days is empty; leave it out for all days") }
            guard !spans.isEmpty else { throw QueryPartError("active", "hours is empty; leave it out for whole days") }
            guard spans.count <= 48 else { throw QueryPartError("active", "hours has more than 48 spans") }
            self.zone = zone
            self.days = days
            self.spans = spans
            self.timeZone = timeZone
            week = Self.week(days, spans)
        }

        private static func week(_ days: Set<Weekday>, _ spans: [Span]) -> [Range<Int>] {
            var pieces: [Range<Int>] = []
            for day in days {
                for span in spans {
                    let begin = day.rawValue * secondsOfDay + span.from * 60
                    let end = day.rawValue * secondsOfDay + span.to * 60 + (span.to <= span.from ? secondsOfDay : 0)
                    pieces.append(begin..<min(end, secondsOfWeek))
                    if end > secondsOfWeek { pieces.append(0..<end - secondsOfWeek) }
                }
            }
            var merged: [Range<Int>] = []
            for piece in pieces.sorted(by: { $0.lowerBound < $1.lowerBound }) {
                if let last = merged.last, piece.lowerBound <= last.upperBound {
                    merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, piece.upperBound)
                } else {
                    merged.append(piece)
                }
            }
            return merged
        }
    }

    /// A span of a day in minutes after midnight; if it ends before it begins, it continues into the next day.
    package struct Span: Sendable, Hashable, CustomStringConvertible {
        package let from: Int
        package let to: Int
        package static let wholeDay = Span(from: 0, to: 1440)

        private init(from: Int, to: Int) {
            self.from = from
            self.to = to
        }

        /// Parses a span such as "22:00-06:00"; "00:00-24:00" is a whole day.
        package init(_ text: String) throws(QueryPartError) {
            let times = text.split(separator: "-", omittingEmptySubsequences: false).map(Self.minutes)
            guard times.count == 2, let from = times[0], let to = times[1], from < 1440, from != to else {
                throw QueryPartError(
                    "active",
                    "hours: \"\(text.prefix(40))\" is no span of time, as in \"08:00-18:30\" or \"22:00-06:00\""
                )
            }
            self.init(from: from, to: to)
        }

        private static func minutes(_ text: Substring) -> Int? {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, parts[1].utf8.count == 2, (1...2).contains(parts[0].utf8.count),
                parts.allSatisfy({ $0.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }),
                let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60,
                hour < 24 || hour == 24 && minute == 0
            else { return nil }
            return hour * 60 + minute
        }

        package var description: String { "\(Self.clock(from))-\(Self.clock(to))" }

        private static func clock(_ minutes: Int) -> String {
            func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
            return "\(two(minutes / 60)):\(two(minutes % 60))"
        }
    }

    /// The days of the week, from Monday (0) to Sunday (6).
    package enum Weekday: Int, Sendable, CaseIterable {
        case mon, tue, wed, thu, fri, sat, sun

        private var name: String {
            ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"][rawValue]
        }

        /// The weekday's name in a configuration, such as "mon".
        package var word: String { "\(self)" }

        /// Parses "mon" or "Monday", in upper or lower case; nil for other words.
        package init?(_ word: String) {
            let lower = word.lowercased()
            guard let day = Self.allCases.first(where: { lower == $0.word || lower == $0.name }) else { return nil }
            self = day
        }
    }

    /// The hours by time zone; the query is active in any of them, and always if there are none.
    package let rules: [Rule]
    package static let always = ActiveHours([])

    package init(_ rules: [Rule]) { self.rules = rules }

    /// Returns true if the query is active at a time, in seconds since 1970.
    package func isActive(at time: Double) -> Bool {
        rules.isEmpty || time.isFinite && rules.contains { $0.isActive(at: time) }
    }

    /// Returns the first time after `time` at which the query becomes active or inactive; nil if it does neither within
    /// 400 days.
    ///
    /// Both times are in seconds since 1970.
    package func nextChange(after time: Double) -> Double? {
        guard !rules.isEmpty, time.isFinite else { return nil }
        let active = isActive(at: time)
        var now = time
        while now < time + 400 * Double(secondsOfDay) {
            guard let next = rules.compactMap({ $0.nextChange(after: now) }).min() else { return nil }
            if isActive(at: next) != active { return next }
            now = next
        }
        return nil
    }
}

extension ActiveHours.Rule {
    fileprivate func isActive(at time: Double) -> Bool {
        let second = secondOfWeek(time)
        return week.contains { Double($0.lowerBound) <= second && second < Double($0.upperBound) }
    }

    private func offset(_ time: Double) -> Double {
        Double(timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: time)))
    }

    /// Returns the second of the week, from Monday 0:00, that the time zone's clock shows.
    private func secondOfWeek(_ time: Double) -> Double {
        // 1970 began on a Thursday.
        let local = time + offset(time) + Double(3 * secondsOfDay)
        return local - (local / Double(secondsOfWeek)).rounded(.down) * Double(secondsOfWeek)
    }

    /// Returns the first time after `time` at which active hours begin or end; nil if the whole week is active.
    fileprivate func nextChange(after time: Double) -> Double? {
        if week.first == 0..<secondsOfWeek { return nil }
        let active = isActive(at: time)
        var now = time
        // Between two clock changes the weeks are alike, so a change comes within a week.
        while true {
            let clockChange = timeZone.nextDaylightSavingTimeTransition(after: Date(timeIntervalSince1970: now))?
                .timeIntervalSince1970
            let next = now + secondsToChange(now, from: active)
            guard let clockChange, clockChange > now, clockChange <= next else { return next }
            if isActive(at: clockChange) != active { return clockChange }
            now = clockChange
        }
    }

    /// Returns the seconds from `time` until active hours begin or end, if the zone's clock does not change before.
    ///
    /// `active` is true if the hours are active at `time`.
    private func secondsToChange(_ time: Double, from active: Bool) -> Double {
        let second = secondOfWeek(time)
        func ahead(_ mark: Int) -> Double {
            let distance = Double(mark % secondsOfWeek) - second
            return distance > 0 ? distance : distance + Double(secondsOfWeek)
        }
        let begins = Set(week.map { $0.lowerBound % secondsOfWeek })
        let ends = Set(week.map { $0.upperBound % secondsOfWeek })
        // If one span ends where another begins, at the turn of the week, nothing changes.
        let marks = active ? ends.subtracting(begins) : begins.subtracting(ends)
        return marks.map(ahead).min() ?? Double(secondsOfWeek)
    }
}

private let secondsOfDay = 86_400
private let secondsOfWeek = 604_800
