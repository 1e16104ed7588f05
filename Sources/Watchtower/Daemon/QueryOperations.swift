import Foundation
import Matching
import Messaging

/// The control operations on standing queries.
struct QueryOperations {
    private let tower: Watchtower

    init(_ tower: Watchtower) { self.tower = tower }

    static let names = [
        "query.add", "query.update", "query.import", "query.list", "query.export", "query.get", "query.remove",
        "query.test", "query.explain", "query.recalibrate",
    ]

    func perform(_ operation: String, _ args: JSONValue) async throws -> JSONValue {
        switch operation {
        case "query.add":
            return try added(await tower.queries.add(QueryConfiguration(json: args)))
        case "query.update":
            let id = try ControlArguments.name(args, "id")
            return try added(await tower.queries.update(id, args))
        case "query.import":
            guard let queries = args["queries"]?.array else {
                throw ControlFailure("bad-argument", "\"queries\" is missing: a list of queries")
            }
            return try JSONValue(encoding: await tower.queries.add(json: queries))
        case "query.list":
            return .array(try await tower.engine.allQueries.map { try JSONValue(encoding: QueryDescription($0)) })
        case "query.export":
            return try await export(args)
        case "query.get":
            let id = try ControlArguments.name(args, "id")
            guard let query = await tower.engine.query(id) else { throw ControlFailure.noQuery(id) }
            return try JSONValue(encoding: QueryDescription(query))
        case "query.remove":
            let id = try ControlArguments.name(args, "id")
            guard try await tower.queries.remove(id) else { throw ControlFailure.noQuery(id) }
            return .object(["removed": .string(id)])
        case "query.test":
            return try JSONValue(
                encoding: await tower.queries.test(QueryConfiguration(json: args), lanes: nil))
        case "query.explain":
            let id = try ControlArguments.name(args, "id")
            let lanes = try await lanes(args)
            guard let told = try await tower.engine.explain(id, lanes: lanes) else { throw ControlFailure.noQuery(id) }
            return try JSONValue(encoding: told)
        case "query.recalibrate":
            let id = try ControlArguments.name(args, "id")
            let lane = try await lanes(args)?.first
            guard let changes = await tower.thresholds.recalibrate(id, lane: lane) else {
                throw ControlFailure.noQuery(id)
            }
            return .array(
                changes.map { change in
                    .object([
                        "stream": .string(change.lane), "version": .integer(Int64(change.change.version)),
                        "threshold": .number(Double(change.change.new)),
                        "previous": change.change.old.map { .number(Double($0)) } ?? .null,
                    ])
                })
        default:
            throw ControlFailure(
                "unknown-operation",
                "\"\(operation.prefix(64))\" is no operation; there are: \(Self.names.joined(separator: ", "))")
        }
    }

    private func added(_ result: (query: StandingQuery, truncated: Bool)) throws -> JSONValue {
        .object([
            "query": try JSONValue(encoding: QueryDescription(result.query)), "truncated": .bool(result.truncated),
        ])
    }

    /// Queries by id, from the one after `after` on, a page at a time.
    private func export(_ args: JSONValue) async throws -> JSONValue {
        let limit = min(max(Int(args["limit"]?.integer ?? 5000), 1), 10_000)
        let page = await tower.engine.queries(after: args["after"]?.string ?? "", limit: limit)
        return .object([
            "queries": .array(try page.map { try JSONValue(encoding: QueryConfiguration($0)) }),
            "next": page.count == limit ? (page.last?.id).map { .string($0) } ?? .null : .null,
        ])
    }

    /// The stream that is asked about, which must be there; nil for all.
    private func lanes(_ args: JSONValue) async throws -> [String]? {
        guard let name = args["stream"]?.string else { return nil }
        guard await tower.engine.hasLane(name) else {
            throw ControlFailure("not-found", "there is no stream \"\(name.prefix(128))\"")
        }
        return [name]
    }
}
