package import Foundation
import Engine
import Logging
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

/// Notices when events come faster than they are told, and says which queries make them.
struct StormWatch {
    /// Messages that may wait; more are a storm, which is over once none has come for so many seconds.
    static let calm = 256
    private static let pause = 10.0
    private static let shown = 5

    private var began: Date?
    private var last = Date.distantPast
    private var counts: [String: Int] = [:]
    private var said = Date.distantPast

    /// Takes detections after which so many wait.
    mutating func observe(_ detections: [Detection], waiting: Int, at now: Date, _ logger: Logger) {
        if waiting > Self.calm {
            if began == nil { (began, counts) = (now, [:]) }
            last = now
        }
        guard began != nil else { return }
        for detection in detections { counts[detection.query.id, default: 0] += 1 }
        guard isOver(at: now) else { return say(waiting, at: now, logger) }
        logger.notice("events are told as they come again", metadata: ["queries": "\(counts.count)"])
        (began, counts, said) = (nil, [:], .distantPast)
    }

    private mutating func say(_ waiting: Int, at now: Date, _ logger: Logger) {
        guard now.timeIntervalSince(said) >= 60, let storm = status(at: now) else { return }
        said = now
        logger.warning(
            "more events come than are told at once; updates of an event that wait become one",
            metadata: [
                "waiting": "\(waiting)", "queries": "\(storm.queries)",
                "most": "\(storm.most.map { "\($0.query) (\($0.messages))" }.joined(separator: ", "))",
            ])
    }

    private func isOver(at now: Date) -> Bool { now.timeIntervalSince(last) >= Self.pause }

    /// The storm; nil while there is none.
    func status(at now: Date) -> StormStatus? {
        guard let began, !isOver(at: now) else { return nil }
        let most = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(Self.shown)
        return StormStatus(
            since: began, queries: counts.count, most: most.map { .init(query: $0.key, messages: $0.value) })
    }
}
