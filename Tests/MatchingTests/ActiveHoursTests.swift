import Foundation
import Matching
import SystemSupport
import Testing

@Suite("Active hours")
struct ActiveHoursTests {
    private static let zones = [
        "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago", "UTC",
    ]

    /// Whether the rule is active at a moment, by what a calendar shows.
    private func plain(_ rule: ActiveHours.Rule, _ calendar: Calendar, at time: Double) -> Bool {
        let read = calendar.dateComponents([.weekday, .hour, .minute], from: Date(timeIntervalSince1970: time))
        let minute = (read.hour ?? 0) * 60 + (read.minute ?? 0)
        let today = ((read.weekday ?? 0) + 5) % 7  // Calendar's week begins with 1 on Sunday
        func means(_ day: Int) -> Bool { rule.days.contains { $0.rawValue == day } }
        return rule.spans.contains { span in
            if span.from < span.to { return means(today) && (span.from..<span.to).contains(minute) }
            return means(today) && minute >= span.from || means((today + 6) % 7) && minute < span.to
        }
    }

    private func calendar(_ zone: String) throws -> Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: zone))
        return calendar
    }

    private func rule(_ zone: String, _ random: inout SeededRandom) throws -> ActiveHours.Rule {
        let days = ActiveHours.Weekday.allCases.filter { _ in Int.random(in: 0..<3, using: &random) > 0 }
        let spans = try (0..<Int.random(in: 1...3, using: &random)).map { _ in
            // Often near the hours at which clocks change.
            let from =
                Bool.random(using: &random)
                ? Int.random(in: 0..<240, using: &random) : Int.random(in: 0..<1440, using: &random)
            var to =
                Int.random(in: 0..<12, using: &random) == 0
                ? 1440 : (from + Int.random(in: 1..<1440, using: &random)) % 1440
            if to == from { to = 1440 }
            func clock(_ minutes: Int) -> String { String(format: "%d:%02d", minutes / 60, minutes % 60) }
            return try ActiveHours.Span("\(clock(from))-\(clock(to))")
        }
        return try ActiveHours.Rule(zone: zone, days: Set(days.isEmpty ? [.mon] : days), spans: spans)
    }

    /// The times in 2023 to 2027 at which the zone's clocks change, found without asking the zone for them.
    private func clockChanges(_ zone: String) throws -> [Double] {
        let zone = try #require(TimeZone(identifier: zone))
        func offset(_ time: Int) -> Int { zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time))) }
        var changes: [Double] = []
        for day in stride(from: 1_672_531_200, to: 1_830_297_600, by: 86_400) where offset(day) != offset(day + 86_400)
        {
            var (low, high) = (day, day + 86_400)
            while high - low > 1 {
                let middle = (low + high) / 2
                if offset(middle) == offset(low) { low = middle } else { high = middle }
            }
            changes.append(Double(high))
        }
        return changes
    }

    @Test("zones whose clocks change are among those tested")
    func clocksChange() throws {
        let counts = try Self.zones.map { try clockChanges($0).count }
        #expect(counts == [10, 10, 10, 0, 10, 0])
    }

    @Test("hours are what the calendar of their zone reads, whether clocks change or not", arguments: zones)
    func reading(_ zone: String) throws {
        var random = SeededRandom(seed: UInt64(zone.utf8.reduce(0) { $0 + Int($1) }))
        let calendar = try calendar(zone)
        let changes = try clockChanges(zone)
        for _ in 0..<40 {
            let rule = try rule(zone, &random)
            let hours = ActiveHours([rule])
            for _ in 0..<50 {
                let near = changes.randomElement(using: &random) ?? 1_700_000_000
                let span = Bool.random(using: &random) ? 8_000.0 : 700_000
                let time = (near + Double.random(in: -span...span, using: &random)).rounded()
                #expect(hours.isActive(at: time) == plain(rule, calendar, at: time), "\(rule) \(time)")
            }
        }
    }

    @Test("the next change is the first there is, across every change of clocks", arguments: zones)
    func nextChange(_ zone: String) throws {
        var random = SeededRandom(seed: UInt64(zone.utf8.reduce(7) { $0 + Int($1) }))
        let calendar = try calendar(zone)
        let changes = try clockChanges(zone)
        for round in 0..<24 {
            let rule = try rule(zone, &random)
            let hours = ActiveHours([rule])
            let near = changes.isEmpty ? 1_700_000_000 : changes[round % changes.count]
            var time = ((near + Double.random(in: -90_000...9_000, using: &random)) / 60).rounded() * 60
            let state = plain(rule, calendar, at: time)
            let next = hours.nextChange(after: time)
            // All that changes does so at a whole minute: look at each.
            let limit = time + 9 * 86_400
            let start = time
            repeat { time += 60 } while time < limit && plain(rule, calendar, at: time) == state
            #expect(next.map { min($0, limit) } ?? limit == time, "\(rule) after \(start)")
            guard let next else { continue }
            #expect(hours.isActive(at: next) != state && hours.isActive(at: next - 1) == state)
        }
    }

    @Test("several rules of several zones: active if any is, and every change is found")
    func several() throws {
        var random = SeededRandom(seed: 5)
        for _ in 0..<20 {
            let rules = try Self.zones.shuffled(using: &random).prefix(2).map { try rule($0, &random) }
            let hours = ActiveHours(rules)
            let calendars = try rules.map { try calendar($0.zone) }
            func active(_ time: Double) -> Bool { zip(rules, calendars).contains { plain($0, $1, at: time) } }
            let start = 1_743_199_980 + (Double.random(in: 0...700_000, using: &random) / 60).rounded() * 60
            var time = start
            repeat { time += 60 } while time < start + 9 * 86_400 && active(time) == active(start)
            let next = hours.nextChange(after: start)
            #expect(next.map { min($0, start + 9 * 86_400) } ?? start + 9 * 86_400 == time)
        }
    }

    @Test("all hours of all days never change; neither does what has no rules")
    func always() throws {
        #expect(ActiveHours.always.isActive(at: 0) && ActiveHours.always.nextChange(after: 0) == nil)
        let whole = ActiveHours([try .init(zone: "Europe/Berlin")])
        #expect(whole.isActive(at: 1_700_000_000) && whole.nextChange(after: 1_700_000_000) == nil)
        // Two halves of a day make a whole one.
        let halves = try [ActiveHours.Span("06:00-18:00"), ActiveHours.Span("18:00-6:00")]
        #expect(ActiveHours([try .init(zone: "Asia/Kolkata", spans: halves)]).nextChange(after: 1_700_000_000) == nil)
        let apart = ActiveHours(try halves.map { try .init(zone: "Europe/Berlin", spans: [$0]) })
        #expect(apart.nextChange(after: 1_700_000_000) == nil)
    }

    @Test("the night that loses an hour, and the one that has one twice")
    func nights() throws {
        let hours = ActiveHours([try .init(zone: "Europe/Berlin", spans: [ActiveHours.Span("02:00-03:00")])])
        // 2026-03-29: 01:59:59 is followed by 03:00:00 (01:00 UTC); that night the hour does not come.
        let spring = 1_774_742_400.0  // 2026-03-29 00:00 UTC
        #expect(!(0..<24).contains { hours.isActive(at: spring + Double($0) * 3600) })
        // 2026-10-25: it comes twice, 00:00 to 02:00 UTC.
        let autumn = 1_792_886_400.0  // 2026-10-25 00:00 UTC
        #expect((0..<24).filter { hours.isActive(at: autumn + Double($0) * 3600) } == [0, 1])
        #expect(hours.nextChange(after: autumn) == autumn + 7200)
    }

    @Test(
        "what is no span of time is refused",
        arguments: [
            "", "8-9", "08:00", "08:00-08:00", "24:00-25:00", "24:00-06:00", "8:60-9:00", "08:00-09:00-10:00",
            "a:bc-1:00",
        ])
    func spans(_ text: String) {
        #expect { try ActiveHours.Span(text) } throws: { "\($0)".contains("no span of time") }
    }

    @Test(
        "what is no zone is refused", arguments: ["", "Berlin", "Europe/Nowhere", "GMT+5", "CET", "../../etc/passwd"])
    func badZones(_ zone: String) {
        #expect { try ActiveHours.Rule(zone: zone) } throws: { "\($0)".contains("no time zone") }
    }
}
