import Backtesting
import ControlAPI
import Engine
import Foundation
import Journal
import Matching
import Publishing
import WatchwordConfiguration
import WireFormat

/// The control operation `query.suggest`: proposes changes of a query and tests each on the recorded history.
///
/// The proposals follow from the events that users have marked as right or wrong.
struct SuggestOperation {
    static let operation = DaemonOperation(
        "query.suggest", .get, "/queries/{id}/suggestions",
        "Changes of a query that would have silenced events which were called wrong, each with its backtest.",
        needs: .view,
        takes: .object([
            .init("id", .name, required: true),
            .init("against", .text(1...256), "A contrast in words, which is tried as well."),
        ]), answers: .reference("Suggestions"), fails: [.refused, .notFound], traits: [.bulk, .slow]
    ) { daemon, args in
        try await SuggestOperation(daemon, args).run()
    }

    /// A past event that a user has marked as right or wrong; times are in seconds since 1970.
    fileprivate struct Event {
        let stream: String
        let start: Double
        let end: Double
        let peak: Double
        let isRight: Bool
    }

    private let daemon: WatchwordDaemon
    private let history: DaemonHistory
    private let id: String
    private let against: String?

    init(_ daemon: WatchwordDaemon, _ args: JSONValue) throws {
        self.daemon = daemon
        history = try HistoryOperations.history(daemon)
        id = try ControlArguments.name(args, "id")
        against = args["against"]?.string
    }

    func run() async throws -> JSONValue {
        let standing = try await daemon.queries.standing(id)
        guard let query = standing.first?.query else { throw ControlFailure.noQuery(id) }
        let events = try await marked()
        let before = try await tried(standing)
        let heard = events.filter { $0.isHeard(in: before) }
        var proposals: [JSONValue] = []
        for changes in changes(query, heard) {
            guard case .object(var members) = try JSONValue(encoding: QueryConfiguration(query)) else { continue }
            members.apply(changes: changes)
            let draft = try await daemon.queries.draft(QueryConfiguration(json: .object(members)))
            let after = try await tried([draft] + standing.dropFirst())
            proposals.append(
                .object([
                    "changes": .object(changes), "alerts": .integer(Int64(Self.count(after))),
                    "wrong_left": .integer(Int64(heard.count { !$0.isRight && $0.isHeard(in: after) })),
                    "right_lost": .integer(Int64(heard.count { $0.isRight && !$0.isHeard(in: after) })),
                ]))
        }
        return .object([
            "query": .string(id), "alerts": .integer(Int64(Self.count(before))),
            "right": .integer(Int64(heard.count { $0.isRight })), "wrong": .integer(Int64(heard.count { !$0.isRight })),
            "proposals": .array(proposals),
        ])
    }

    private static func count(_ result: BacktestResult) -> Int { result.streams.reduce(0) { $0 + $1.count } }

    /// Returns the changes of the query to test: higher thresholds, and the request's text to compete with, if any.
    private func changes(_ query: StandingQuery, _ events: [Event]) -> [[String: JSONValue]] {
        let thresholds = ThresholdSuggestion.thresholds(
            events.map { .init(peak: $0.peak, isRight: $0.isRight) },
            above: query.rule.fixedThreshold.map { Double($0) })
        var changes: [[String: JSONValue]] = thresholds.map { threshold in
            switch query.rule {
            case .score: ["threshold": .number(threshold)]
            case .contrast: ["probability": .number(threshold)]
            case .budget: ["false_alerts_per_day": .null, "threshold": .number(threshold)]
            }
        }
        guard let against else { return changes }
        var (known, probability) = ([String](), 0.5)
        if case .contrast(let others, let given) = query.rule { (known, probability) = (others, Double(given)) }
        changes.append([
            "threshold": .null, "false_alerts_per_day": .null,
            "against": .array((known + [against]).map { .string($0) }), "probability": .number(probability),
        ])
        return changes
    }

    private func tried(_ queries: [EmbeddedQuery]) async throws -> BacktestResult {
        try await history.backtest(queries, labels: daemon.streams.labels, from: nil, to: nil, alertsPerDay: 1)
    }

    /// Returns the events that users have marked as right or wrong and whose messages are still in the journal.
    private func marked() async throws -> [Event] {
        var events: [Event] = []
        for (event, verdict) in try await daemon.outbox.marked(of: id, limit: 1000) {
            guard let entry = try await daemon.outbox.newest(ofEvent: event) else { continue }
            let body = try JSONText.parse(entry.body)
            func time(_ key: String) -> Double? { body[key]?.string.flatMap { Moment($0) }?.secondsSince1970 }
            guard let stream = body["stream"]?.string, let start = time("start"), let end = time("end"),
                let peak = body["peak"]?["score"]?.double
            else { continue }
            events.append(Event(stream: stream, start: start, end: end, peak: peak, isRight: verdict == .right))
        }
        return events
    }
}

extension SuggestOperation.Event {
    /// Returns true if the backtest has an alert on the same stream that overlaps this event in time.
    fileprivate func isHeard(in result: BacktestResult) -> Bool {
        result.streams.contains { found in
            found.stream == stream
                && found.alerts.contains {
                    $0.start.timeIntervalSince1970 <= end && $0.end.timeIntervalSince1970 >= start
                }
        }
    }
}
