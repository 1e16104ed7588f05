package import Foundation
import WireFormat

/// A query as it is saved in the journal.
package struct SavedQuery: Sendable {
    package var configuration: QueryConfiguration
    /// The text of the query in the configuration file that this query overrides, if the two texts differ.
    package var shadows: String?

    private static let shadowsKey = "shadows"

    package init(_ configuration: QueryConfiguration, shadows: String? = nil) {
        self.configuration = configuration
        self.shadows = shadows
    }

    package init(_ data: Data) throws {
        var json = try JSONText.parse(data)
        if case .object(var members) = json, let shadows = members.removeValue(forKey: Self.shadowsKey) {
            self.shadows = shadows.string
            json = .object(members)
        }
        configuration = try QueryConfiguration(json: json)
    }

    package func data() throws -> Data {
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
    package static func placed(
        _ configured: [QueryConfiguration], beside saved: [String: SavedQuery]
    ) -> [QueryConfiguration] {
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
