import Foundation
import Synchronization
package import WireFormat

/// A report of a follower; reports come in order of `seq`.
package enum Followed: Sendable, Equatable {
    /// An event that was open when following began: its newest message.
    case open(WireMessage)
    case message(WireMessage)
    /// Messages that can no longer be obtained.
    case lost(LostMessage)
    /// The daemon now has another journal: a new one, or an older copy.
    case restarted
    /// The number to begin after is higher than any of this journal.
    ///
    /// It may be from an earlier journal that this one continues.
    case ahead(NumberAhead)
    /// Follows `restarted` or `ahead`: messages up to this number are known from before, the others follow now.
    case resumed(after: Int64)
    /// The daemon does not answer, with the reason; messages that it sends meanwhile follow once it answers.
    case away(String)
}

/// A number to begin after that the daemon has not given: it was mistyped, or belongs to another journal.
package struct NumberAhead: Error, Equatable, CustomStringConvertible {
    package let since: Int64
    package let newest: Int64

    package var description: String {
        "there is no message \(since) yet: the newest is \(newest). Begin after a number up to \(newest); where \(since) "
            + "did come from this daemon, its journal has been replaced by an older copy: 0 tells all that it has"
    }
}

/// Follows the events of a daemon: each message once, in order of `seq`, even if some are lost on the way.
///
/// It subscribes first, then reads earlier messages from the journal. If a number is missing in the live messages (this
/// subscriber was too slow, or the daemon was away), it reads the gap from the journal before it reports anything
/// newer. It subscribes to all topics, because only then does a gap in `seq` mean a loss; heartbeats reveal that the
/// newest message was lost. Nothing is buffered here: while the receiver is busy, ZeroMQ's bounded queue drops
/// messages, and the journal has them.
package final class EventFollower: Sendable {
    /// Selects the messages to report.
    package struct Filter: Sendable {
        package var query: String?
        package var stream: String?
        /// Whether the messages are the fleet's, whose log the publishing socket must then be of.
        package var isOfFleet: Bool

        package init(query: String? = nil, stream: String? = nil, isOfFleet: Bool = false) {
            (self.query, self.stream, self.isOfFleet) = (query, stream, isOfFleet)
        }

        /// Whether a topic passes; topics are `match.<stream>.<query>`, and names contain no dots.
        func passes(_ topic: String) -> Bool {
            let parts = topic.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0] == "match" else { return false }
            return (stream == nil || parts[1] == stream ?? "") && (query == nil || parts[2] == query ?? "")
        }
    }

    /// Pauses in seconds; shorter in tests.
    package struct Timing: Sendable {
        /// The pause between requests until a message has arrived.
        package var ask = 1.0
        /// The time without any message or heartbeat after which the journal is read.
        package var silence = 25.0
        package init() {}
    }

    private let publish: String
    private let control: ControlClient
    private let filter: Filter
    private let timing: Timing
    private let queue: Int32?
    private let identity: CurveIdentity?
    private let stopping = Atomic(false)
    private static let pageSize = 1000

    package init(
        publish: String, control: String, filter: Filter = Filter(), timing: Timing = Timing(), queue: Int32? = nil,
        identity: CurveIdentity? = nil
    ) {
        self.publish = publish
        self.identity = identity
        self.control = ControlClient(control, identity: identity)
        self.filter = filter
        self.timing = timing
        self.queue = queue
    }

    /// Makes `run` return soon.
    package func stop() { stopping.store(true, ordering: .relaxed) }

    /// The position of following.
    private struct Place {
        /// The number up to which everything was reported.
        var last: Int64
        var journal: String

        /// The same position in another journal, or in an older copy of this one.
        func moved(to now: Snapshot) -> Place {
            let common = now.branches.last { $0.journal == journal }?.seq ?? 0
            return Place(last: min(last, common), journal: now.journal)
        }
    }

    /// Reports the messages after `since`, or only new ones if it is nil; on request, the open events come first.
    ///
    /// With `live`, it continues until `stop`. It runs on the calling thread, which waits. A daemon that does not
    /// answer at the start is an error; later it is waited for.
    package func run(
        since: Int64?, open: Bool = false, live: Bool = true, tell: (Followed) throws -> Void
    ) throws {
        let subscriber =
            live ? try Subscriber(connecting: publish, prefixes: [""], queue: queue, identity: identity) : nil
        let now = try snapshot()
        var place = Place(last: since ?? now.seq, journal: now.journal)
        if open {
            for message in now.events where filter.passes(message.topic) { try tell(.open(message)) }
        }
        if place.last > now.seq {
            // No number says of which journal it is. One that goes on from another may have had it once.
            let ahead = NumberAhead(since: place.last, newest: now.seq)
            guard let branch = now.branches.last, !branch.complete else { throw ahead }
            place.last = min(branch.seq, now.seq)
            try tell(.ahead(ahead))
            try tell(.resumed(after: place.last))
        }
        guard let subscriber else {
            if since != nil { try fill(&place, through: now.seq, tell) }
            return
        }
        if since != nil { try patiently(tell) { try fill(&place, through: now.seq, tell) } }
        var heard: ContinuousClock.Instant?
        var asked = ContinuousClock.now
        while !stopping.load(ordering: .relaxed) {
            if let message = try subscriber.next(milliseconds: 100) {
                heard = .now
                try take(message, &place, tell)
                continue
            }
            // A subscription takes a moment to be there: what comes before it is only in the journal.
            let (from, pause) = (heard ?? asked, heard == nil ? timing.ask : timing.silence)
            guard from.duration(to: .now) > .seconds(pause) else { continue }
            asked = .now
            heard = nil
            try patiently(tell) { try fill(&place, through: snapshot().seq, tell) }
        }
    }

    private func take(_ message: WireMessage, _ place: inout Place, _ tell: (Followed) throws -> Void) throws {
        if message.topic == Topic.heartbeat {
            guard let beat = try? WireCoding.decode(HeartbeatMessage.self, message.body) else { return }
            // An older beat than what the journal has told since, or an older journal: it can be asked.
            if beat.seq < place.last, beat.journal == place.journal {
                return try patiently(tell) { try look(&place, tell) }
            }
            guard beat.seq > place.last || beat.journal != place.journal else { return }
            return try patiently(tell) { try fill(&place, through: beat.seq, tell) }
        }
        guard message.seq > place.last else { return }
        if message.seq > place.last + 1 {
            try patiently(tell) { try fill(&place, through: message.seq - 1, tell) }
        }
        // The journal may have given this one, too.
        guard message.seq > place.last, !stopping.load(ordering: .relaxed) else { return }
        place.last = message.seq
        if filter.passes(message.topic) { try tell(.message(message)) }
    }

    /// Checks whether the journal ends before the position, because an older copy replaced it unnoticed.
    private func look(_ place: inout Place, _ tell: (Followed) throws -> Void) throws {
        let now = try snapshot()
        guard now.journal == place.journal, now.seq < place.last else { return }
        place.last = 0
        try tell(.restarted)
        try tell(.resumed(after: 0))
        try fill(&place, through: now.seq, tell)
    }

    /// Reports the messages that the journal has after the position, up to the number `seq`.
    private func fill(_ place: inout Place, through seq: Int64, _ tell: (Followed) throws -> Void) throws {
        var seq = seq
        while true {
            let page: [JSONValue]
            do {
                page = try replay(place)
            } catch let failure as ControlReply.Failure where failure.code == "other-journal" {
                let now = try snapshot()
                (place, seq) = (place.moved(to: now), now.seq)
                try tell(.restarted)
                try tell(.resumed(after: place.last))
                continue
            }
            for entry in page {
                guard let topic = entry["topic"]?.string, let body = entry["body"], let number = body["seq"]?.integer,
                    number > place.last
                else { continue }
                // A receiver slower than what comes may never see the end of it.
                if stopping.load(ordering: .relaxed) { return }
                place.last = number
                if topic == Topic.lost {
                    try tell(.lost(body.decoded(as: LostMessage.self)))
                } else {
                    try tell(.message(WireMessage(topic: topic, seq: number, body: WireCoding.encode(body))))
                }
            }
            guard page.count < Self.pageSize else { continue }
            place.last = max(place.last, seq)
            return
        }
    }

    /// Repeats `body` until the daemon answers, or until `stop`.
    private func patiently(_ tell: (Followed) throws -> Void, _ body: () throws -> Void) throws {
        var said = false
        while !stopping.load(ordering: .relaxed) {
            do {
                return try body()
            } catch let error where Self.passes(error) {
                if !said { try tell(.away("\(error)")) }
                said = true
                Thread.sleep(forTimeInterval: min(timing.ask, 1))
            }
        }
    }

    /// Whether an error may be temporary, so that the request is worth repeating.
    private static func passes(_ error: any Error) -> Bool {
        if let error = error as? MessagingError { return !error.isDenied }
        return ["busy", "too-many-requests", "timeout", "unavailable"].contains((error as? ControlReply.Failure)?.code)
    }

    // MARK: Questions

    /// An earlier journal that the daemon's journal continues, and the last number that both share.
    private struct Branch: Decodable { let journal: String, seq: Int64, complete: Bool }

    /// The open events, and the newest number at that moment.
    private struct Snapshot {
        let seq: Int64, journal: String, branches: [Branch], events: [WireMessage]
    }

    private func snapshot() throws -> Snapshot {
        struct Answer: Decodable { let seq: Int64, journal: String, branches: [Branch]?, events: [JSONValue] }
        let answer = try ask("events.open", [:]).decoded(as: Answer.self)
        let events = try answer.events.map { body in
            let event = try body.decoded(as: MatchMessage.self)
            return WireMessage(
                topic: Topic.match(stream: event.stream, query: event.query.id), seq: event.seq,
                body: try WireCoding.encode(body))
        }
        return Snapshot(
            seq: answer.seq, journal: answer.journal, branches: answer.branches ?? [], events: events)
    }

    private func replay(_ place: Place) throws -> [JSONValue] {
        var args: [String: JSONValue] = [
            "since": .integer(place.last), "limit": .integer(Int64(Self.pageSize)), "topic": .string(Topic.matches),
            "journal": .string(place.journal),
        ]
        args["query"] = filter.query.map { .string($0) }
        args["stream"] = filter.stream.map { .string($0) }
        return try ask("events.replay", args).array ?? []
    }

    private func ask(_ operation: String, _ args: [String: JSONValue]) throws -> JSONValue {
        var args = args
        if filter.isOfFleet { args["log"] = .string("fleet") }
        let request = ControlRequest(id: ULID.make(), op: operation, args: .object(args))
        let data = try control.request(WireCoding.encode(request), timeout: 10)
        let reply = try WireCoding.decode(ControlReply.self, data)
        if let error = reply.error { throw error }
        return reply.result ?? .null
    }
}
