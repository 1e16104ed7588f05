import Foundation
import Matching
import Messaging

/// The control operations on standing queries.
enum QueryOperations {
    static let all: [ControlOperation] = [
        ControlOperation(
            "query.add", .post, "/queries", "Adds a standing query, or replaces the one of the same id.",
            needs: .operate,
            takes: .reference("Query"), answers: added, fails: [.refused]
        ) { tower, args in
            try Self.added(await tower.queries.add(QueryConfiguration(json: args)))
        },
        ControlOperation(
            "query.update", .patch, "/queries/{id}", "Changes some of a query; null takes a key back to its default.",
            needs: .operate,
            takes: Schemas.queryChanges, answers: added, fails: [.refused, .notFound]
        ) { tower, args in
            let id = try ControlArguments.name(args, "id")
            return try Self.added(await tower.queries.update(id, args))
        },
        ControlOperation(
            "query.import", .post, "/import", "Adds or replaces many queries, or none if one of them is wrong.",
            needs: .operate,
            takes: .object([.init("queries", .list(.reference("Query")), required: true)]),
            answers: .object([
                .init("added", .integer(), required: true), .init("replaced", .integer(), required: true),
                .init("truncated", .list(.name), required: true),
            ]), fails: [.refused], large: true
        ) { tower, args in
            guard let queries = args["queries"]?.array else {
                throw ControlFailure("bad-argument", "\"queries\" is missing: a list of queries")
            }
            return try JSONValue(encoding: await tower.queries.add(json: queries))
        },
        ControlOperation(
            "query.list", .get, "/queries", "Every standing query.", needs: .view,
            answers: .list(.reference("QueryDescription"))
        ) { tower, _ in
            .array(try await tower.engine.allQueries.map { try JSONValue(encoding: QueryDescription($0)) })
        },
        ControlOperation(
            "query.export", .get, "/export", "Queries as they were given, a page at a time.", needs: .view,
            takes: .object([
                .init("after", .name, "The id that the page begins after."),
                .init("limit", .integer(1...10_000), "5000, if it is left out."),
            ]),
            answers: .object([
                .init("queries", .list(.reference("Query")), required: true),
                .init("next", .optional(.name), required: true),
            ])
        ) { tower, args in
            try await Self.export(tower, args)
        },
        ControlOperation(
            "query.get", .get, "/queries/{id}", "One query, with every setting.", needs: .view,
            takes: .object([.init("id", .name, required: true)]), answers: .reference("QueryDescription"),
            fails: [.notFound]
        ) { tower, args in
            let id = try ControlArguments.name(args, "id")
            guard let query = await tower.engine.query(id) else { throw ControlFailure.noQuery(id) }
            return try JSONValue(encoding: QueryDescription(query))
        },
        ControlOperation(
            "query.remove", .delete, "/queries/{id}", "Removes a query; its open events end.", needs: .operate,
            takes: .object([.init("id", .name, required: true)]),
            answers: .object([.init("removed", .name, required: true)]), fails: [.notFound]
        ) { tower, args in
            let id = try ControlArguments.name(args, "id")
            guard try await tower.queries.remove(id) else { throw ControlFailure.noQuery(id) }
            return .object(["removed": .string(id)])
        },
        ControlOperation(
            "query.test", .post, "/test",
            "What a query would score on the streams' newest windows, without it standing.", needs: .operate,
            takes: .reference("Query"), answers: .list(.reference("Explanation")), fails: [.refused]
        ) { tower, args in
            try JSONValue(encoding: await tower.queries.test(QueryConfiguration(json: args), lanes: nil))
        },
        ControlOperation(
            "query.explain", .get, "/queries/{id}/explanation", "Why a query is heard of on a stream, or not.",
            needs: .view,
            takes: oneStream, answers: .list(.reference("Explanation")), fails: [.notFound]
        ) { tower, args in
            let id = try ControlArguments.name(args, "id")
            let lanes = try await Self.lanes(tower, args)
            guard let told = try await tower.engine.explain(id, lanes: lanes) else { throw ControlFailure.noQuery(id) }
            return try JSONValue(encoding: told)
        },
        ControlOperation(
            "query.recalibrate", .post, "/queries/{id}/recalibration",
            "Moves learnt thresholds to what the background asks for by now.", needs: .operate, takes: oneStream,
            answers: .list(
                .object([
                    .init("stream", .text(), required: true), .init("version", .integer(), required: true),
                    .init("threshold", .number(), required: true),
                    .init("previous", .optional(.number()), required: true),
                ])), fails: [.notFound]
        ) { tower, args in
            try await Self.recalibrate(tower, args)
        },
    ]

    private static let added = Schema.object([
        .init("query", .reference("QueryDescription"), required: true), .init("truncated", .truth, required: true),
    ])
    private static let oneStream = Schema.object([
        .init("id", .name, required: true),
        .init("stream", .text(1...160), "A stream or one of its regions; all of them, if it is left out."),
    ])

    private static func recalibrate(_ tower: Watchtower, _ args: JSONValue) async throws -> JSONValue {
        let id = try ControlArguments.name(args, "id")
        let lane = try await lanes(tower, args)?.first
        guard let changes = await tower.thresholds.recalibrate(id, lane: lane) else { throw ControlFailure.noQuery(id) }
        return .array(
            changes.map { change in
                .object([
                    "stream": .string(change.lane), "version": .integer(Int64(change.change.version)),
                    "threshold": .number(Double(change.change.new)),
                    "previous": change.change.old.map { .number(Double($0)) } ?? .null,
                ])
            })
    }

    private static func added(_ result: (query: StandingQuery, truncated: Bool)) throws -> JSONValue {
        .object([
            "query": try JSONValue(encoding: QueryDescription(result.query)), "truncated": .bool(result.truncated),
        ])
    }

    /// Queries by id, from the one after `after` on, a page at a time.
    private static func export(_ tower: Watchtower, _ args: JSONValue) async throws -> JSONValue {
        let limit = min(max(Int(args["limit"]?.integer ?? 5000), 1), 10_000)
        let page = await tower.engine.queries(after: args["after"]?.string ?? "", limit: limit)
        return .object([
            "queries": .array(try page.map { try JSONValue(encoding: QueryConfiguration($0)) }),
            "next": page.count == limit ? (page.last?.id).map { .string($0) } ?? .null : .null,
        ])
    }

    /// The stream that is asked about, which must be there; nil for all.
    private static func lanes(_ tower: Watchtower, _ args: JSONValue) async throws -> [String]? {
        guard let name = args["stream"]?.string else { return nil }
        guard await tower.engine.hasLane(name) else {
            throw ControlFailure("not-found", "there is no stream \"\(name.prefix(128))\"")
        }
        return [name]
    }
}
