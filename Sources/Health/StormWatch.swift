package import Engine
package import Foundation
import Matching

/// The state of a storm: a time in which event messages come faster than they are published.
package struct StormStatus: Codable, Sendable, Equatable {
    package struct Query: Codable, Sendable, Equatable {
        package let query: String
        package let messages: Int
    }

    package let since: Date
    /// The number of queries with event messages since the storm began; `most` has the five with the most messages.
    package let queries: Int
    package let most: [Query]
}

/// Detects storms (event messages that come faster than they are published) and counts each query's messages.
package struct StormWatch: Sendable {
    /// The number of event messages that may wait to be published; more than these are a storm.
    ///
    /// A storm is over once no more than these have waited for 10 seconds.
    package static let calm = 256
    private static let pause = 10.0
    private static let shown = 5

    /// A report of a storm: at its beginning, each minute, and at its end.
    package enum News: Sendable, Equatable {
        case goesOn(StormStatus)
        case over(queries: Int)
    }

    private var began: Date?
    private var last = Date.distantPast
    private var counts: [String: Int] = [:]
    private var said = Date.distantPast

    package init() {}

    /// Counts event messages; returns a report if a storm (more messages than can be published) begins, continues or
    /// ends.
    ///
    /// `waiting` is the number of messages that waited before these.
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

    /// Returns true if there is a storm at this time.
    package func isOn(at now: Date) -> Bool { began != nil && now.timeIntervalSince(last) < Self.pause }

    /// Returns the storm's state and the queries with the most messages; nil if there is no storm.
    package func status(at now: Date) -> StormStatus? {
        guard let began, isOn(at: now) else { return nil }
        let most = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(Self.shown)
        return StormStatus(
            since: began, queries: counts.count, most: most.map { .init(query: $0.key, messages: $0.value) })
    }
}
