import Backtesting
import CLIP
import ControlAPI
import Engine
import Foundation
import History
import Matching
import Segments
import Tensors
import WatchwordConfiguration
import WireFormat

/// The control operations on recorded history: search, backtest, suggestions, status and removal.
enum HistoryOperations {
    static let all: [DaemonOperation] = [
        DaemonOperation(
            "history.search", .post, "/search",
            "Moments of the history that a text, its phrasings and example pictures describe, or that are like an event "
                + "or another moment, best first.", needs: .view,
            takes: Schemas.search, answers: found, fails: [.refused, .notFound], traits: [.bulk, .slow]
        ) { daemon, args, caller in
            try await HistorySearchOperation(daemon, args, caller).run()
        },
        DaemonOperation(
            "query.backtest", .post, "/backtest",
            "The events that a standing query, or one that is described, would have had over the history.",
            needs: .view,
            takes: Schemas.backtest, answers: .reference("Backtest"), fails: [.refused, .notFound],
            traits: [.bulk, .slow]
        ) { daemon, args, caller in
            try await Self.backtest(daemon, args, caller)
        },
        SuggestOperation.operation,
        DaemonOperation(
            "history.status", .get, "/history", "What there is of the past, and how recording is doing.", needs: .view,
            answers: .reference("History"), fails: [.refused]
        ) { daemon, _, caller in
            try JSONValue(encoding: await Self.history(daemon).state().seen(by: caller))
        },
        DaemonOperation(
            "history.remove", .delete, "/history",
            "Removes what there is of some streams, or of a span of theirs, for good.", needs: .control,
            takes: .object([
                .init(
                    "stream", .text(1...160), required: true, "A stream or region, or a selector; * for all streams."),
                .init("from", .moment, "All of it before `to`, if it is left out."),
                .init("to", .moment, "All of it, if it is left out."),
            ]),
            answers: .object([
                .init("removed", .integer(), required: true, "Segments that are gone."),
                .init("rewritten", .integer(), required: true, "Segments that were written anew without the span."),
                .init("entries", .integer(), required: true, "Frames and clips that these had of it."),
                .init("pictures", .integer(), required: true, "Pictures that are gone."),
                .init("skipped", .list(.text()), required: true),
            ]), fails: [.refused], traits: .slow
        ) { daemon, args in
            try await Self.remove(daemon, args)
        },
    ]

    private static let found = Schema.object([
        .init("moments", .list(.reference("Moment")), required: true),
        .init("windows", .integer(), required: true, "Windows that were searched."),
        .init("streams", .integer(), required: true, "Streams whose windows were searched."),
        .init("skipped", .list(.text()), required: true, "What could not be searched, and why."),
    ])

    static func history(_ daemon: WatchwordDaemon) throws(ControlFailure) -> DaemonHistory {
        guard let history = daemon.history else {
            throw ControlFailure(
                .refused,
                "no history is kept: the configuration has no journal or says history: off, the model has 3D patches, "
                    + "or the directory cannot be written (the log says which)")
        }
        return history
    }

    /// Splits a request's arguments into those with the given keys and the others, which describe a query.
    static func parted(_ args: JSONValue, _ keys: [String]) throws -> (own: JSONValue, query: JSONValue) {
        guard case .object(let members) = args else {
            throw ControlFailure(.badArgument, "expected keys and values")
        }
        return (
            .object(members.filter { keys.contains($0.key) }), .object(members.filter { !keys.contains($0.key) })
        )
    }

    /// Returns the messages about unreadable parts of the history, without names if the caller sees only some streams.
    static func shown(_ skipped: [String], to caller: Caller) -> [String] {
        caller.streams == nil || skipped.isEmpty ? skipped : ["parts of the history could not be read"]
    }

    static func time(_ args: JSONValue, _ key: String) throws -> Double? {
        guard let text = args[key]?.string else { return nil }
        guard let moment = Moment(text) else {
            throw ControlFailure(.badArgument, "\(key): expected a time like 2026-11-30T12:00:00Z")
        }
        return moment.secondsSince1970
    }

    // MARK: Backtest

    private static func backtest(
        _ daemon: WatchwordDaemon, _ args: JSONValue, _ caller: Caller
    ) async throws -> JSONValue {
        let history = try history(daemon)
        let (own, described) = try parted(args, ["from", "to", "alerts_per_day"])
        var queries: [EmbeddedQuery]
        let isStanding = described["id"] != nil && described["text"] == nil && described["images"] == nil
        if isStanding, let id = described["id"]?.string {
            queries = try await daemon.queries.standing(id)
        } else {
            queries = [try await daemon.queries.draft(QueryConfiguration(json: described))]
        }
        if let streams = caller.streams {
            let seen = await SeenQueries(daemon, caller)
            guard !isStanding || seen.lanes(of: queries.first?.query)?.isEmpty == false else {
                throw ControlFailure.noQuery(queries.first?.query.id ?? "")
            }
            queries = queries.map { $0.limited(to: streams) }
        }
        var wanted = own["alerts_per_day"]?.double ?? 1
        if own["alerts_per_day"] == nil, case .budget(let alerts)? = queries.first?.query.rule { wanted = alerts }
        var result = try await history.backtest(
            queries, labels: daemon.streams.labels, from: time(own, "from"), to: time(own, "to"), alertsPerDay: wanted)
        try Task.checkCancellation()
        result.skipped = shown(result.skipped, to: caller)
        return try JSONValue(encoding: result)
    }

    // MARK: Removal

    private static func remove(_ daemon: WatchwordDaemon, _ args: JSONValue) async throws -> JSONValue {
        let history = try history(daemon)
        let name = try ControlArguments.name(args, "stream")
        var removal = HistoryRemoval(from: try time(args, "from"), to: try time(args, "to"))
        // A plain name removes that stream alone; a pattern is a selector of streams.
        if name == "*" {
            removal.selector = nil
        } else if name.contains(where: { "*?!:".contains($0) }) {
            removal.selector = try StreamSelector([name])
            let labels = await daemon.streams.labels
            removal.labels = { labels[$0] ?? [] }
        } else {
            removal.stream = name
        }
        let result = await history.remove(removal)
        return .object([
            "removed": .integer(Int64(result.removed)), "rewritten": .integer(Int64(result.rewritten)),
            "entries": .integer(Int64(result.entries)), "pictures": .integer(Int64(result.pictures)),
            "skipped": .array(result.skips.sentences.map { .string($0) }),
        ])
    }
}
