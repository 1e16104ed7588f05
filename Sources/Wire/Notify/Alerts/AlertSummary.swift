package import Journal
import WireFormat

/// A summary of many alerts as one message: counts by query and stream, of bounded size.
package struct AlertSummary: Sendable, Equatable {
    /// The reason why alerts were not sent one by one.
    package enum Reason: String, Sendable, CaseIterable {
        /// There were more alerts than `at_most` allows.
        case limit
        /// The alerts came in quiet hours.
        case quiet
        /// The alerts are older than `catch_up`.
        case late
        /// The journal no longer has the alerts.
        case lost
    }

    package struct Group: Sendable, Equatable {
        package let query: String
        package let stream: String
        package let text: String
        package var count = 1
    }

    /// The greatest number of groups that are listed; alerts of others are counted together.
    package static let mostGroups = 20

    /// The number of the first message that the summary covers; `last` is that of the last.
    package private(set) var first: Int64
    package private(set) var last: Int64
    package private(set) var alerts = 0
    /// The times of the earliest and the latest alert, in seconds since 1970; nil without alerts.
    package private(set) var times: ClosedRange<Double>?
    package private(set) var reasons: Set<Reason> = []
    package private(set) var groups: [Group] = []
    /// The number of alerts in groups that are not listed.
    package private(set) var others = 0
    /// The number of messages of any kind that the journal lost.
    package private(set) var lost: Int64 = 0

    package init(_ alert: Alert, _ reason: Reason) {
        (first, last) = (alert.seq, alert.seq)
        add(alert, reason)
    }

    package init(_ hole: Hole) {
        (first, last) = (hole.first, hole.last)
        add(hole)
    }

    package mutating func add(_ alert: Alert, _ reason: Reason) {
        last = max(last, alert.seq)
        alerts += 1
        reasons.insert(reason)
        times = min(times?.lowerBound ?? alert.time, alert.time)...max(times?.upperBound ?? alert.time, alert.time)
        let (query, stream) = (alert.message.query, alert.message.stream)
        if let known = groups.firstIndex(where: { $0.query == query.id && $0.stream == stream }) {
            groups[known].count += 1
        } else if groups.count < Self.mostGroups {
            groups.append(Group(query: query.id, stream: stream, text: query.text))
        } else {
            others += 1
        }
    }

    package mutating func add(_ hole: Hole) {
        last = max(last, hole.last)
        lost += hole.last - hole.first + 1
        reasons.insert(.lost)
    }
}
