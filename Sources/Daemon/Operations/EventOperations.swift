import ControlAPI
import Foundation
package import Journal
import Publishing
package import WireFormat

/// The control operations `events.replay`, `events.open` and `events.mark`, for one message log.
package struct EventOperations: Sendable {
    private let log: any MessageLog
    /// The size limit of a text to filter messages by, in bytes; no topic and no name is longer.
    private static let longestText = 256

    package init(_ log: any MessageLog) { self.log = log }

    package static let logArgument = Schema.Property(
        "log", .word(["node", "fleet"]),
        "This daemon's own messages, which is what is meant without it, or those of its fleet, "
            + "with the fleet's numbers.")

    static let all: [DaemonOperation] = [
        // Where a filter passes little, all of the fleet's log is read from etcd before there is an answer.
        DaemonOperation(
            "events.replay", .get, "/events", "Messages in order of their numbers, and what was lost among them.",
            needs: .view,
            takes: .object([
                .init("since", .integer(0...Int64.max), "The number that the answer begins after."),
                .init("limit", .integer(1...10_000), "1000, if it is left out."),
                .init("topic", .text(0...256), "What topics begin with."), .init("query", .name),
                .init("stream", .text(1...160)),
                .init("journal", .text(1...64), "The journal that `since` is of, as `events.open` names it."),
                logArgument,
            ]), answers: .list(Schemas.entry), fails: [.otherJournal, .refused, .unavailable], traits: [.bulk, .slow]
        ) { daemon, args, caller in
            try await EventOperations(daemon.log(args["log"]?.string)).replay(args, for: caller)
        },
        DaemonOperation(
            "events.open", .get, "/events/open",
            "The newest message of each event that is open, and the newest number at that moment.", needs: .view,
            takes: .object([logArgument]),
            answers: .object([
                .init("seq", .integer(), required: true), .init("journal", .text(), required: true),
                .init(
                    "branches",
                    .list(
                        .object([
                            .init("journal", .text(), required: true), .init("seq", .integer(), required: true),
                            .init("complete", .truth, required: true),
                        ])),
                    "Earlier journals that this one goes on from, and up to which number; complete where no number "
                        + "after that was given in it."),
                .init("events", .list(.reference("Message")), required: true),
            ]), fails: [.refused, .unavailable], traits: .bulk
        ) { daemon, args, caller in
            try await EventOperations(daemon.log(args["log"]?.string)).open(for: caller)
        },
        DaemonOperation(
            "events.mark", .post, "/events/{event}/verdict",
            "Says whether an event was right or wrong; it is kept, counted by query, and told.", needs: .operate,
            takes: .object([
                .init("event", .event, required: true),
                .init("verdict", .word(["right", "wrong", "clear"]), required: true, "`clear` takes it back."),
            ]),
            answers: .object([
                .init("event", .event, required: true), .init("query", .name, required: true),
                .init("stream", .text(), required: true), .init("right", .integer(), required: true),
                .init("wrong", .integer(), required: true, "Events of the query that have been called so."),
            ]), fails: [.notFound, .unavailable]
        ) { daemon, args in
            let event = try ControlArguments.name(args, "event")
            let verdict = args["verdict"]?.string.flatMap(Verdict.init)
            guard let marked = try await daemon.outbox.mark(event, verdict) else {
                throw ControlFailure(.notFound, "there is no event \"\(event.prefix(64))\" in the journal")
            }
            return .object([
                "event": .string(event), "query": .string(marked.query), "stream": .string(marked.stream),
                "right": .integer(Int64(marked.counts.right)), "wrong": .integer(Int64(marked.counts.wrong)),
            ])
        },
    ]

    /// Answers `events.replay`: returns the messages after number `since` in order, filtered by the other arguments.
    ///
    /// A range of lost messages is represented by one message of topic `lost`. The request fails if `journal` names
    /// another journal than this log's, since `since` is then a number of that other journal.
    package func replay(_ args: JSONValue, for caller: Caller = .local) async throws -> JSONValue {
        struct Wanted: Decodable {
            var since, limit: Int64?
            var topic, query, stream, journal: String?
        }
        let wanted = try ControlArguments.read(args, as: Wanted.self)
        let texts = [
            ("topic", wanted.topic), ("query", wanted.query), ("stream", wanted.stream), ("journal", wanted.journal),
        ]
        for case (let key, let text?) in texts where text.utf8.count > Self.longestText {
            throw ControlFailure(
                "bad-argument", "\(key): expected at most \(Self.longestText) bytes, found \(text.utf8.count)")
        }
        if let journal = wanted.journal, journal != log.identity {
            throw ControlFailure("other-journal", Self.otherJournal(journal, wanted.since ?? 0, log))
        }
        let filter = MessageFilter(
            topicPrefix: wanted.topic, query: wanted.query, stream: wanted.stream, seen: caller.streams)
        let limit = Int(min(max(wanted.limit ?? 1000, 1), 10_000))
        var page = try await log.replay(since: max(0, wanted.since ?? 0), limit: limit, filter: filter)
        // An empty answer means that there is no more.
        while page.entries.isEmpty, page.holes.isEmpty, let through = page.through {
            page = try await log.replay(since: through, limit: limit, filter: filter)
        }
        var result = try page.entries.map {
            (seq: $0.seq, topic: $0.topic, body: try JSONText.parse($0.body))
        }
        for hole in page.holes {
            let lost = LostMessage(first: hole.first, last: hole.last, reason: hole.reason.rawValue)
            result.append((lost.seq, Topic.lost, try JSONValue(encoding: lost)))
        }
        result.sort { $0.seq < $1.seq }
        return .array(result.map { .object(["topic": .string($0.topic), "body": $0.body]) })
    }

    /// Answers `events.open`: returns the newest message of each open event, and the log's newest number then.
    package func open(for caller: Caller = .local) async throws -> JSONValue {
        let (seq, entries) = try await log.openEvents()
        let filter = MessageFilter(seen: caller.streams)
        let events = try entries.filter(filter.passes).map { try JSONText.parse($0.body) }
        let branches = log.branches.map {
            JSONValue.object([
                "journal": .string($0.identity), "seq": .integer($0.seq), "complete": .bool($0.isComplete),
            ])
        }
        return .object([
            "seq": .integer(seq), "journal": .string(log.identity), "branches": .array(branches),
            "events": .array(events),
        ])
    }

    /// Returns the error message for a number from another journal, with the last number that both journals share.
    private static func otherJournal(_ journal: String, _ since: Int64, _ log: any MessageLog) -> String {
        guard let branch = log.branches.last(where: { $0.identity == journal }) else {
            return "seq \(since) is of another journal; the numbers of this one began anew"
        }
        return "seq \(since) is of another journal; this one has its numbers up to \(branch.seq), and others after it"
    }
}
