import Foundation
import Synchronization
package import WireFormat

/// An event of a follower, in order of `seq`.
package enum Followed: Sendable, Equatable {
    /// An event that was open when following began: its newest message.
    case open(WireMessage)
    case message(WireMessage)
    /// Messages that nobody can get any more.
    case lost(LostMessage)
    /// The daemon has another journal than before: it began anew, or an older copy took its place.
    case restarted
    /// This journal has not given the number to begin after; an earlier one may have, which it goes on from.
    case ahead(NumberAhead)
    /// After one of these: numbers up to this one are of the messages that they were of before, the others come now.
    case resumed(after: Int64)
    /// The daemon does not answer; the text says why. Messages that it sends meanwhile follow once it answers.
    case away(String)
}

/// A number to begin after that the daemon has not given: one that was mistyped, or is of another journal.
package struct NumberAhead: Error, Equatable, CustomStringConvertible {
    package let since: Int64
    package let newest: Int64

    package var description: String {
        "there is no message \(since) yet: the newest is \(newest). Begin after a number up to \(newest); where \(since) "
            + "did come from this daemon, its journal has been replaced by an older copy: 0 tells all that it has"
    }
}

/// Follows the events of a daemon: each message once, in order of `seq`, whatever is lost on the way.
///
/// It subscribes first, then asks the journal for what came before, and whenever a number is missing in what comes live
/// (this subscriber was too slow, or the daemon was away), the journal fills the gap before anything newer is told. It
/// subscribes to all topics, since only to one who sees all does a hole in `seq` say at once that something was lost;
/// heartbeats tell when that was the newest. Nothing is buffered here: while the receiver of messages takes its time,
/// ZeroMQ's bounded queue drops, and the journal fills.
package final class EventFollower: Sendable {
    /// Which messages are told of.
    package struct Filter: Sendable {
        package var query: String?
        package var stream: String?

        package init(query: String? = nil, stream: String? = nil) {
            self.query = query
            self.stream = stream
        }

        /// Topics are `match.<stream>.<query>`, and names have no dots.
        func passes(_ topic: String) -> Bool {
            let parts = topic.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0] == "match" else { return false }
            return (stream == nil || parts[1] == stream ?? "") && (query == nil || parts[2] == query ?? "")
        }
    }

    /// Pauses, in seconds; shorter in tests.
    package struct Timing: Sendable {
        /// Between questions, until something has been heard.
        package var ask = 1.0
        /// Without anything heard, not even a heartbeat, until the journal is asked.
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

    /// `run` returns soon.
    package func stop() { stopping.store(true, ordering: .relaxed) }

    /// Where following is.
    private struct Place {
        /// Everything up to here has been told.
        var last: Int64
        var journal: String

        /// The same place in another journal, or in an older copy of this one.
        func moved(to now: Snapshot) -> Place {
            let common = now.branches.last { $0.journal == journal }?.seq ?? 0
            return Place(last: min(last, common), journal: now.journal)
        }
    }

    /// Tells of messages after `since` (of those from now on, if nil), after those of open events if that is asked; if
    /// `live`, it goes on until it is stopped.
    ///
    /// Runs on the calling thread, which waits. A daemon that does not answer at the start is an error; later it is
    /// waited for.
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

    /// Finds out whether the journal has gone back behind the place, as a copy does that took its place unnoticed.
    private func look(_ place: inout Place, _ tell: (Followed) throws -> Void) throws {
        let now = try snapshot()
        guard now.journal == place.journal, now.seq < place.last else { return }
        place.last = 0
        try tell(.restarted)
        try tell(.resumed(after: 0))
        try fill(&place, through: now.seq, tell)
    }

    /// Tells what the journal has after the place; everything up to `seq` has been told then.
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

    /// Tries until the daemon answers, or until stopped.
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

    /// Whether it is worth asking again.
    private static func passes(_ error: any Error) -> Bool {
        if let error = error as? MessagingError { return !error.isDenied }
        return ["busy", "too-many-requests", "timeout"].contains((error as? ControlReply.Failure)?.code)
    }

    // MARK: Questions

    /// An earlier journal that the daemon's goes on from, and up to which number.
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
        let request = ControlRequest(id: ULID.make(), op: operation, args: .object(args))
        let data = try control.request(WireCoding.encode(request), timeout: 10)
        let reply = try WireCoding.decode(ControlReply.self, data)
        if let error = reply.error { throw error }
        return reply.result ?? .null
    }
}
