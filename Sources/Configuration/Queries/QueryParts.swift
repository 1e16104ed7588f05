import Foundation
import Matching
import Printing

/// The key `confirm`: how many of the last `of` windows must match, written as `{need: 2, of: 3}` or "2/3".
package struct Confirmation: Codable, Sendable, Equatable {
    package let need: Int
    package let of: Int

    package init(need: Int, of: Int) {
        self.need = need
        self.of = of
    }

    /// Parses a text such as "2/3"; nil for other texts.
    package init?(_ text: String) {
        guard text.utf8.count <= 16 else { return nil }
        let numbers = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let need = numbers[0], let of = numbers[1] else { return nil }
        self.init(need: need, of: of)
    }

    init?<Node>(_ values: Mapping<Node>) throws(ConfigurationError) {
        guard let node = values.node("confirm") else { return nil }
        if let text = node.text {
            guard let read = Self(text) else {
                throw values.failure("confirm", "\"\(text.excerpt())\" is not as in \"2/3\", two of three windows")
            }
            self = read
            return
        }
        guard let parts = try values.mapping("confirm", keys: ["need", "of"]) else { return nil }
        guard let need = try parts.integer("need"), let of = try parts.integer("of") else {
            throw values.failure("confirm", "both need and of are wanted, as in {need: 2, of: 3}")
        }
        self.init(need: need, of: of)
    }
}

/// The key `update`: the rise of an event's highest value for which an update is sent, and the least seconds between
/// updates.
///
/// It is written as `{step: 0.01, interval: 1}`.
package struct UpdatePolicy: Codable, Sendable, Equatable {
    package var step: Double?
    package var interval: Double?

    package init(step: Double? = nil, interval: Double? = nil) {
        self.step = step
        self.interval = interval
    }
}

/// One rule of the key `active`, such as `{zone: Europe/Berlin, days: mon-fri, hours: "08:00-18:00"}`.
///
/// Days and hours may be lists; a missing key means all days or hours.
package struct ActivePart: Codable, Sendable, Equatable {
    package var zone: String
    package var days: [String]?
    package var hours: [String]?

    package init(zone: String, days: [String]? = nil, hours: [String]? = nil) {
        self.zone = zone
        self.days = days
        self.hours = hours
    }

    init(_ rule: ActiveHours.Rule) {
        zone = rule.zone
        let all = rule.days.count == ActiveHours.Weekday.allCases.count
        days = all ? nil : ActiveHours.Weekday.allCases.filter(rule.days.contains).map(\.word)
        hours = rule.spans == [.wholeDay] ? nil : rule.spans.map(\.description)
    }

    func rule() throws(QueryPartError) -> ActiveHours.Rule {
        var days = Set(ActiveHours.Weekday.allCases)
        if let wanted = self.days {
            days = []
            for word in wanted { days.formUnion(try Self.days(word)) }
        }
        var spans = [ActiveHours.Span.wholeDay]
        if let hours {
            spans = []
            for text in hours { spans.append(try ActiveHours.Span(text)) }
        }
        return try ActiveHours.Rule(zone: zone, days: days, spans: spans)
    }

    /// Parses "mon", "Fri-Mon", or several of these with commas; throws for other texts.
    private static func days(_ text: String) throws(QueryPartError) -> [ActiveHours.Weekday] {
        var days: [ActiveHours.Weekday] = []
        guard text.utf8.count <= 256 else {
            throw QueryPartError("active", "days: expected at most 256 bytes, found \(text.utf8.count)")
        }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) { days += try run(String(part)) }
        return days
    }

    private static func run(_ text: String) throws(QueryPartError) -> [ActiveHours.Weekday] {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map {
            ActiveHours.Weekday($0.trimmingCharacters(in: .whitespaces))
        }
        guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else {
            throw QueryPartError(
                "active", "days: \"\(text.excerpt())\" is none of mon … sun, nor a run as in mon-fri")
        }
        let all = ActiveHours.Weekday.allCases
        let length = (last.rawValue - first.rawValue + all.count) % all.count
        return (0...length).map { all[(first.rawValue + $0) % all.count] }
    }

    /// The greatest number of rules under one key, and of days and of hours in one rule.
    private static let mostParts = 48

    /// Reads the rules under a key: `active` of a query, or `quiet` of a notifier; nil without the key.
    static func list<Node>(
        _ values: Mapping<Node>, key name: String = "active"
    ) throws(ConfigurationError) -> [ActivePart]? {
        guard let node = values.node(name) else { return nil }
        let nodes = node.items ?? [node]
        guard nodes.count <= mostParts else {
            throw values.failure(name, "there are \(nodes.count) parts, at most \(mostParts) are taken")
        }
        var parts: [ActivePart] = []
        for item in nodes {
            let part = try Mapping(
                item, path: values.path, line: values.line, what: name, keys: ["zone", "days", "hours"])
            let read = ActivePart(
                zone: try part.required("zone"), days: try part.strings("days"), hours: try part.strings("hours"))
            for (key, list) in [("days", read.days), ("hours", read.hours)] where (list ?? []).count > mostParts {
                throw ConfigurationError(
                    path: values.path, line: part.line,
                    key: "\(name).\(key)",
                    reason: "expected at most \(mostParts) parts, found \(list?.count ?? 0)")
            }
            do throws(QueryPartError) {
                _ = try read.rule()
            } catch {
                throw ConfigurationError(path: values.path, line: part.line, key: name, reason: error.reason)
            }
            parts.append(read)
        }
        return parts
    }
}
