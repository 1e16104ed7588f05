package import Foundation
import Matching

/// A time in which events come faster than they are told, and the queries that make it.
package struct StormStatus: Codable, Sendable, Equatable {
    package struct Query: Codable, Sendable, Equatable {
        package let query: String
        package let messages: Int
    }

    package let since: Date
    /// Queries whose events came since, and those with the most messages.
    package let queries: Int
    package let most: [Query]
}

/// Notices when events come faster than they are told, and which queries make them.
package struct StormWatch: Sendable {
    /// Messages that may wait; more are a storm, which is over once none has come for so many seconds.
    package static let calm = 256
    private static let pause = 10.0
    private static let shown = 5

    /// A report of a storm, due at its beginning, each minute, and at its end.
    package enum News: Sendable, Equatable {
        case goesOn(StormStatus)
        case over(queries: Int)
    }

    private var began: Date?
    private var last = Date.distantPast
    private var counts: [String: Int] = [:]
    private var said = Date.distantPast

    package init() {}

    /// Takes detections; `waiting` is the number of those that waited before them.
    package mutating func observe(_ detections: [Detection], waiting: Int, at now: Date) -> News? {
        if waiting > Self.calm {
            if began == nil { (began, counts) = (now, [:]) }
            last = now
        }
        guard began != nil else { return nil }
        for detection in detections { counts[detection.query.id, default: 0] += 1 }
        guard isOn(at: now) else {
            defer { (began, counts, said) = (nil, [:], .distantPast) }
            return .over(queries: counts.count)
        }
        guard now.timeIntervalSince(said) >= 60, let storm = status(at: now) else { return nil }
        said = now
        return .goesOn(storm)
    }

    /// Whether there is a storm.
    package func isOn(at now: Date) -> Bool { began != nil && now.timeIntervalSince(last) < Self.pause }

    /// The storm, with the queries that make it; nil while there is none.
    package func status(at now: Date) -> StormStatus? {
        guard let began, isOn(at: now) else { return nil }
        let most = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(Self.shown)
        return StormStatus(
            since: began, queries: counts.count, most: most.map { .init(query: $0.key, messages: $0.value) })
    }
}
