package import Matching
import Synchronization

/// The place where notifiers learn of streams and queries, while these are known.
package final class RosterSource: Sendable {
    private let source = Mutex<(@Sendable () async -> NotifyRoster)?>(nil)

    package init() {}

    /// Nil: from now on it is not known, as before the start and at the end.
    package func set(_ ask: (@Sendable () async -> NotifyRoster)?) { source.withLock { $0 = ask } }

    func now() async -> NotifyRoster? {
        guard let ask = source.withLock({ $0 }) else { return nil }
        return await ask()
    }
}

/// The streams and queries that there are now.
package struct NotifyRoster: Sendable {
    package struct Query: Sendable {
        package let id: String
        package let text: String
        package let tags: [String]
        package let streams: StreamSelector

        package init(id: String, text: String, tags: [String], streams: StreamSelector) {
            (self.id, self.text, self.tags, self.streams) = (id, text, tags, streams)
        }
    }

    /// Labels of streams, and of their regions, by name.
    package let streams: [String: [String]]
    package let queries: [Query]

    package init(streams: [String: [String]], queries: [Query]) {
        (self.streams, self.queries) = (streams, queries)
    }

    /// Sensors of a notifier at most; a home with more is to choose by `queries`, `streams` or `tags`.
    package static let mostSensors = 500

    /// Queries on the streams that they watch, in order, those that a notifier is about, and whether that is all.
    package func sensors(_ filter: AlertFilter) -> (sensors: [HomeSensor], areAll: Bool) {
        var sensors: [HomeSensor] = []
        let wanted = queries.filter { query in
            filter.queries?.contains(query.id) ?? true && !(filter.tags?.isDisjoint(with: query.tags) ?? false)
        }
        for stream in streams.keys.sorted() where filter.streams?.matches(stream) ?? true {
            let labels = streams[stream] ?? []
            for query in wanted where query.streams.matches(stream, labels: labels) {
                guard sensors.count < Self.mostSensors else { return (sensors, false) }
                sensors.append(HomeSensor(key: SensorKey(stream: stream, query: query.id), text: query.text))
            }
        }
        return (sensors, true)
    }
}
