package import Journal
import WireFormat

/// Many alerts as one message: counts by query and stream, of bounded size.
package struct AlertSummary: Sendable, Equatable {
    /// Why alerts were not sent one by one.
    package enum Reason: String, Sendable, CaseIterable {
        /// More than `at_most` allows.
        case limit
        /// Quiet hours.
        case quiet
        /// Older than `catch_up`.
        case late
        /// The journal no longer had them.
        case lost
    }

    package struct Group: Sendable, Equatable {
        package let query: String
        package let stream: String
        package let text: String
        package var count = 1
    }

    /// Groups that are named; alerts of others are counted together.
    package static let mostGroups = 20

    /// Numbers of the first and the last message that it stands for.
    package private(set) var first: Int64
    package private(set) var last: Int64
    package private(set) var alerts = 0
    /// Times of the earliest and the latest alert, in seconds since 1970; nil if it has none.
    package private(set) var times: ClosedRange<Double>?
    package private(set) var reasons: Set<Reason> = []
    package private(set) var groups: [Group] = []
    /// Alerts of groups that are not named.
    package private(set) var others = 0
    /// Messages that the journal lost, of whatever kind.
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
