import Engine
import Matching
import WireFormat

/// The standing queries that a caller may see: those that watch a stream that it sees.
struct SeenQueries {
    private let daemon: WatchwordDaemon
    private let caller: Caller
    /// Labels by lane, of the lanes that the caller sees.
    private let labels: [String: [String]]

    init(_ daemon: WatchwordDaemon, _ caller: Caller) async {
        (self.daemon, self.caller) = (daemon, caller)
        labels = await daemon.streams.labels.filter { caller.sees($0.key) }
    }

    /// The queries that the caller sees, with every setting.
    func described(_ queries: [StandingQuery]) async throws -> [JSONValue] {
        let described = try await daemon.queries.described(queries.filter(isSeen))
        return shown(queries) { _ in described }
    }

    /// The queries that the caller sees, as `encoded` gives them.
    ///
    /// A caller who sees some streams gets the lanes that it sees, instead of patterns that may name others.
    func shown(
        _ queries: [StandingQuery], _ encoded: ([StandingQuery]) throws -> [JSONValue]
    ) rethrows -> [JSONValue] {
        let seen = queries.filter(isSeen)
        return zip(seen, try encoded(seen)).map { query, json in
            guard let lanes = lanes(of: query), case .object(var members) = json else { return json }
            members["streams"] = .array(lanes.map { .string($0) })
            // They are counted over all streams.
            members["verdicts"] = nil
            return .object(members)
        }
    }

    /// A page of the queries that the caller sees, by id.
    func page(after id: String, limit: Int) async -> [StandingQuery] {
        guard caller.streams != nil else { return await daemon.engine.queries(after: id, limit: limit) }
        let seen = await daemon.engine.allQueries.filter { $0.id > id && isSeen($0) }
        return Array(seen.sorted { $0.id < $1.id }.prefix(limit))
    }

    /// Whether the caller sees a query.
    func isSeen(_ query: StandingQuery) -> Bool { lanes(of: query)?.isEmpty != true }

    /// The lanes that a query watches and the caller sees, by name; nil for a caller that sees all.
    func lanes(of query: StandingQuery?) -> [String]? {
        guard caller.streams != nil else { return nil }
        guard let selector = query?.settings.selector else { return [] }
        return labels.filter { selector.matches($0.key, labels: $0.value) }.keys.sorted()
    }
}
