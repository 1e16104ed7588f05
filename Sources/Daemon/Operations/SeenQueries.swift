import Engine
import Matching
import WireFormat

/// The standing queries that a caller may see: those that watch at least one stream that the caller may see.
struct SeenQueries {
    private let daemon: WatchwordDaemon
    private let caller: Caller
    /// The labels of each lane (stream or region) that the caller may see.
    private let labels: [String: [String]]

    init(_ daemon: WatchwordDaemon, _ caller: Caller) async {
        (self.daemon, self.caller) = (daemon, caller)
        labels = await daemon.streams.labels.filter { caller.sees($0.key) }
    }

    /// Returns the queries among `queries` that the caller may see, as JSON with every setting.
    func described(_ queries: [StandingQuery]) async throws -> [JSONValue] {
        let described = try await daemon.queries.described(queries.filter(isSeen))
        return shown(queries) { _ in described }
    }

    /// Returns the queries that the caller may see, as the JSON that `encoded` makes of them.
    ///
    /// For a caller restricted to some streams, each query lists those streams by name instead of its patterns, which
    /// may name others.
    func shown(
        _ queries: [StandingQuery], _ encoded: ([StandingQuery]) throws -> [JSONValue]
    ) rethrows -> [JSONValue] {
        let seen = queries.filter(isSeen)
        return zip(seen, try encoded(seen)).map { query, json in
            guard let lanes = lanes(of: query), case .object(var members) = json else { return json }
            members["streams"] = .array(lanes.map { .string($0) })
            // Verdicts are counted over all streams, including those that the caller may not see.
            members["verdicts"] = nil
            return .object(members)
        }
    }

    /// Returns up to `limit` queries that the caller may see, in the order of ids, beginning after `id`.
    func page(after id: String, limit: Int) async -> [StandingQuery] {
        guard caller.streams != nil else { return await daemon.engine.queries(after: id, limit: limit) }
        let seen = await daemon.engine.allQueries.filter { $0.id > id && isSeen($0) }
        return Array(seen.sorted { $0.id < $1.id }.prefix(limit))
    }

    /// Returns true if the caller may see the query.
    func isSeen(_ query: StandingQuery) -> Bool { lanes(of: query)?.isEmpty != true }

    /// Returns the lanes (streams and regions) that the query watches and the caller may see, by name.
    ///
    /// Returns nil for a caller that may see all streams.
    func lanes(of query: StandingQuery?) -> [String]? {
        guard caller.streams != nil else { return nil }
        guard let selector = query?.settings.selector else { return [] }
        return labels.filter { selector.matches($0.key, labels: $0.value) }.keys.sorted()
    }
}
