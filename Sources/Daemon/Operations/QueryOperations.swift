import ControlAPI
import Engine
import Foundation
import Matching
import WatchwordConfiguration
import WireFormat

/// The control operations on standing queries: adding, changing, listing, removing, testing and explaining them.
enum QueryOperations {
    static let all: [DaemonOperation] = [
        DaemonOperation(
            "query.add", .post, "/queries",
            "Adds a standing query, or replaces the one of the same id, if that is asked for; the same one again is no "
                + "change.",
            needs: .operate, takes: Schemas.queryAdded, answers: added, fails: [.refused, .exists],
            traits: [.slow, .queries]
        ) { daemon, args in
            let (replace, query) = try Self.replacing(args, usually: false)
            let from = try QueryConfiguration(json: query)
            try Self.refusePast(query)
            return try await Self.added(daemon, daemon.queries.add(from, replace: replace))
        },
        DaemonOperation(
            "query.update", .patch, "/queries/{id}", "Changes some of a query; null takes a key back to its default.",
            needs: .operate,
            takes: Schemas.queryChanges, answers: added, fails: [.refused, .notFound], traits: [.slow, .queries]
        ) { daemon, args in
            let id = try ControlArguments.name(args, "id")
            try Self.refusePast(args)
            return try await Self.added(daemon, daemon.queries.update(id, args))
        },
        DaemonOperation(
            "query.reset", .post, "/queries/{id}/reset",
            "Takes a query back to what the configuration says, whatever was given through a socket.",
            needs: .operate, takes: .object([.init("id", .name, required: true)]), answers: added,
            fails: [.refused, .notFound]
        ) { daemon, args in
            try await Self.added(daemon, daemon.queries.reset(ControlArguments.name(args, "id")))
        },
        DaemonOperation(
            "query.import", .post, "/import", "Adds or replaces many queries, or none if one of them is wrong.",
            needs: .operate,
            takes: .object([
                .init("queries", .list(.reference("Query")), required: true),
                .init("replace", .truth, "Whether those that stand may be replaced; they may, if it is left out."),
            ]),
            answers: .object([
                .init("added", .integer(), required: true), .init("replaced", .integer(), required: true),
                .init("unchanged", .integer(), required: true), .init("truncated", .list(.name), required: true),
                .init("expired", .list(.name), required: true, "Those that are over already."),
            ]), fails: [.refused, .exists], traits: [.large, .queries]
        ) { daemon, args in
            guard let queries = args["queries"]?.array else {
                throw ControlFailure("bad-argument", "\"queries\" is missing: a list of queries")
            }
            let (replace, _) = try Self.replacing(args, usually: true)
            return try JSONValue(encoding: await daemon.queries.add(json: queries, replace: replace))
        },
        DaemonOperation(
            "query.list", .get, "/queries", "Every standing query.", needs: .view,
            answers: .list(.reference("QueryDescription")), traits: [.bulk, .slow]
        ) { daemon, _, caller in
            .array(try await SeenQueries(daemon, caller).described(daemon.engine.allQueries))
        },
        DaemonOperation(
            "query.export", .get, "/export", "Queries as they were given, a page at a time.", needs: .view,
            takes: .object([
                .init("after", .name, "The id that the page begins after."),
                .init("limit", .integer(1...10_000), "5000, if it is left out."),
            ]),
            answers: .object([
                .init("queries", .list(.reference("Query")), required: true),
                .init("next", .optional(.name), required: true),
            ]), traits: [.bulk, .slow]
        ) { daemon, args, caller in
            try await Self.export(daemon, args, SeenQueries(daemon, caller))
        },
        DaemonOperation(
            "query.get", .get, "/queries/{id}", "One query, with every setting.", needs: .view,
            takes: .object([.init("id", .name, required: true)]), answers: .reference("QueryDescription"),
            fails: [.notFound]
        ) { daemon, args, caller in
            let id = try ControlArguments.name(args, "id")
            let found = await daemon.engine.query(id).map { [$0] } ?? []
            guard let described = try await SeenQueries(daemon, caller).described(found).first else {
                throw ControlFailure.noQuery(id)
            }
            return described
        },
        DaemonOperation(
            "query.remove", .delete, "/queries/{id}", "Removes a query; its open events end.", needs: .operate,
            takes: .object([.init("id", .name, required: true)]),
            answers: .object([
                .init("removed", .name, required: true),
                .init(
                    "returns", .truth, required: true,
                    "Whether the configuration has it, too: it is there again when that is read again."),
            ]), fails: [.notFound]
        ) { daemon, args in
            let id = try ControlArguments.name(args, "id")
            guard try await daemon.queries.remove(id) else { throw ControlFailure.noQuery(id) }
            return .object(["removed": .string(id), "returns": .bool(await daemon.queries.isInFile(id))])
        },
        DaemonOperation(
            "query.test", .post, "/test",
            "Scores a query on the streams' newest windows without adding it.", needs: .operate,
            takes: .reference("Query"), answers: .list(.reference("Explanation")), fails: [.refused],
            traits: [.slow, .queries]
        ) { daemon, args in
            try JSONValue(encoding: await daemon.queries.test(QueryConfiguration(json: args), lanes: nil))
        },
        DaemonOperation(
            "query.explain", .get, "/queries/{id}/explanation", "Why a query is heard of on a stream, or not.",
            needs: .view,
            takes: oneStream, answers: .list(.reference("Explanation")), fails: [.notFound]
        ) { daemon, args, caller in
            let id = try ControlArguments.name(args, "id")
            let seen = await SeenQueries(daemon, caller)
            let query = await daemon.engine.query(id)
            guard let query, seen.isSeen(query) else { throw ControlFailure.noQuery(id) }
            let asked = try await Self.lanes(daemon, args, caller)
            let own = seen.lanes(of: query)
            let lanes = asked.map { asked in asked.filter { own?.contains($0) ?? true } } ?? own
            guard let told = try await daemon.engine.explain(id, lanes: lanes) else { throw ControlFailure.noQuery(id) }
            return try JSONValue(encoding: told)
        },
        DaemonOperation(
            "query.recalibrate", .post, "/queries/{id}/recalibration",
            "Moves learnt thresholds to what the background asks for by now.", needs: .operate, takes: oneStream,
            answers: .list(
                .object([
                    .init("stream", .text(), required: true), .init("version", .integer(), required: true),
                    .init("threshold", .number(), required: true),
                    .init("previous", .optional(.number()), required: true),
                ])), fails: [.notFound]
        ) { daemon, args in
            try await Self.recalibrate(daemon, args)
        },
    ]

    private static let added = Schema.object([
        .init("query", .reference("QueryDescription"), required: true), .init("truncated", .truth, required: true),
        .init("change", .word(["added", "replaced", "unchanged"]), required: true),
    ])
    private static let oneStream = Schema.object([
        .init("id", .name, required: true),
        .init("stream", .text(1...160), "A stream or one of its regions; all of them, if it is left out."),
    ])

    private static func recalibrate(_ daemon: WatchwordDaemon, _ args: JSONValue) async throws -> JSONValue {
        let id = try ControlArguments.name(args, "id")
        let lane = try await lanes(daemon, args)?.first
        guard let changes = await daemon.thresholds.recalibrate(id, lane: lane) else {
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
    }

    private static func added(_ daemon: WatchwordDaemon, _ result: QueryRegistry.Added) async throws -> JSONValue {
        let source = await daemon.queries.source(of: result.query.id)
        return .object([
            "query": try JSONValue(encoding: QueryDescription(result.query, source: source)),
            "truncated": .bool(result.truncated), "change": .string(result.change.rawValue),
        ])
    }

    /// Splits a request's arguments into `replace` (default `usually`) and the others.
    ///
    /// `replace` is true if an existing query of the same id may be replaced.
    private static func replacing(_ args: JSONValue, usually: Bool) throws -> (replace: Bool, rest: JSONValue) {
        guard case .object(var members) = args, let given = members.removeValue(forKey: "replace") else {
            return (usually, args)
        }
        guard case .bool(let replace) = given else {
            throw ControlFailure(.badArgument, "replace: expected true or false")
        }
        return (replace, .object(members))
    }

    /// Throws if the argument `expires` of a new or changed query is in the past.
    private static func refusePast(_ args: JSONValue) throws {
        guard let text = args["expires"]?.string, let moment = Moment(text) else { return }
        guard moment.secondsSince1970 <= Date().timeIntervalSince1970 else { return }
        throw ControlFailure(
            .refused, "expires: \(moment) is over; give a moment to come, or remove or disable the query")
    }

    /// Returns one page of queries in the order of their ids, beginning after the id in the argument `after`.
    private static func export(
        _ daemon: WatchwordDaemon, _ args: JSONValue, _ seen: SeenQueries
    ) async throws -> JSONValue {
        let limit = min(max(Int(args["limit"]?.integer ?? 5000), 1), 10_000)
        let page = await seen.page(after: args["after"]?.string ?? "", limit: limit)
        return .object([
            "queries": .array(try seen.shown(page) { try $0.map { try JSONValue(encoding: QueryConfiguration($0)) } }),
            "next": page.count == limit ? (page.last?.id).map { .string($0) } ?? .null : .null,
        ])
    }

    /// Returns the lane (stream or region) named by the argument `stream`, or nil, for all, without that argument.
    ///
    /// Throws if there is no such stream or the caller may not see it.
    private static func lanes(
        _ daemon: WatchwordDaemon, _ args: JSONValue, _ caller: Caller = .local
    ) async throws -> [String]? {
        guard let name = args["stream"]?.string else { return nil }
        guard caller.sees(name), await daemon.engine.hasLane(name) else {
            throw ControlFailure("not-found", "there is no stream \"\(name.prefix(128))\"")
        }
        return [name]
    }
}
