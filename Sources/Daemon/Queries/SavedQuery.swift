import Engine
import Foundation
import Journal
import Matching
import WatchwordConfiguration
import WireFormat

/// A query as it is saved in the journal.
struct SavedQuery {
    var configuration: QueryConfiguration
    /// The text of the query in the configuration file that this query overrides, if the two texts differ.
    var shadows: String?

    private static let shadowsKey = "shadows"

    init(_ configuration: QueryConfiguration, shadows: String? = nil) {
        self.configuration = configuration
        self.shadows = shadows
    }

    init(_ data: Data) throws {
        var json = try JSONText.parse(data)
        if case .object(var members) = json, let shadows = members.removeValue(forKey: Self.shadowsKey) {
            self.shadows = shadows.string
            json = .object(members)
        }
        configuration = try QueryConfiguration(json: json)
    }

    func data() throws -> Data {
        guard let shadows, case .object(var members) = try JSONValue(encoding: configuration) else {
            return try WireCoding.encode(configuration)
        }
        members[Self.shadowsKey] = .string(shadows)
        return try WireCoding.encode(JSONValue.object(members))
    }

    /// Returns the queries of the configuration file with ids that do not collide with other queries in the journal.
    ///
    /// An id that was made from a text is changed if the journal uses it. A query with an id of its own keeps it, and
    /// the query in the journal overrides it.
    static func placed(_ configured: [QueryConfiguration], beside saved: [String: SavedQuery]) -> [QueryConfiguration] {
        func clashes(_ query: QueryConfiguration) -> Bool {
            guard query.hasMadeID, let other = query.id.flatMap({ saved[$0] }) else { return false }
            return other.configuration.wording != query.wording && other.shadows != query.wording
        }
        guard configured.contains(where: clashes) else { return configured }
        var taken = saved.mapValues { $0.configuration.wording }
        for query in configured where !clashes(query) { taken[query.idOrSlug] = query.wording }
        var names = QueryNames(taken: taken)
        return configured.map { query in
            guard clashes(query) else { return query }
            var unnamed = query
            unnamed.id = nil
            return names.name(unnamed)
        }
    }
}

extension Journal.LastEnd {
    /// The end of an event, from which the scoring engine restores the pause before the next event of the query.
    ///
    /// It is nil if the message cannot be read. If the daemon stopped during the event, the event counts as ended at
    /// the next start.
    var event: EndedEvent? {
        guard let message = try? WireCoding.decode(MatchMessage.self, body) else { return nil }
        let end = message.end.timeIntervalSince1970
        return EndedEvent(
            query: query, group: message.group, lane: stream,
            end: message.reason == nil ? end : max(end, stored))
    }
}
