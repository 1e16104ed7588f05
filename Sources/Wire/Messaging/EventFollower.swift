import Foundation
import Synchronization
package import WireFormat

/// A report of an `EventFollower` to its caller; reports come in order of message numbers (`seq`).
package enum Followed: Sendable, Equatable {
    /// The newest message of an event that was open (begun but not ended) when following began.
    case open(WireMessage)
    case message(WireMessage)
    /// Messages that the daemon's journal no longer has.
    case lost(LostMessage)
    /// The daemon's journal was replaced, by a new one or by an older copy.
    case restarted
    /// The message number after which to begin is higher than any in the daemon's journal.
    ///
    /// The number may be from an earlier journal that this one continues.
    case ahead(NumberAhead)
    /// Sent after `restarted` or `ahead`: messages up to this number were reported before, the next reports are newer.
    case resumed(after: Int64)
    /// The daemon does not answer, for this reason; messages that are missed now are reported once it answers.
    case away(String)
}

/// The error of a message number, from which to begin, that the daemon has not reached yet.
///
/// The number was mistyped, or belongs to another journal.
package struct NumberAhead: Error, Equatable, CustomStringConvertible {
    package let since: Int64
    package let newest: Int64

    package var description: String {
        "there is no message \(since) yet: the newest is \(newest). Begin after a number up to \(newest); where \(since) "
            + "did come from this daemon, its journal has been replaced by an older copy: 0 tells all that it has"
    }
}

/// Follows a daemon's events: reports each message once, in order of `seq`, even if some are lost on the network.
///
/// It subscribes first, then reads earlier messages from the daemon's journal. If a number is missing in the live
/// messages (this subscriber was too slow, or the daemon was not running), it reads the gap from the journal before it
/// reports anything newer. It subscribes to all topics, because only then does a gap in `seq` mean a loss; heartbeats
/// reveal that the newest message was lost. Nothing is buffered here: while the receiver is busy, ZeroMQ's bounded
/// queue drops messages, and they are read from the journal later.
package final class EventFollower: Sendable {
    /// Selects the messages to report, by the query's id and the stream's name; nil allows all.
    package struct Filter: Sendable {
        package var query: String?
        package var stream: String?
        /// Whether the messages are the fleet's, whose log the publishing socket must then be of.
        package var isOfFleet: Bool

        package init(query: String? = nil, stream: String? = nil, isOfFleet: Bool = false) {
            (self.query, self.stream, self.isOfFleet) = (query, stream, isOfFleet)
        }

        /// Returns true if a message of this topic is reported; topics are `match.<stream>.<query>` without other dots.
        func passes(_ topic: String) -> Bool {
            let parts = topic.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0] == "match" else { return false }
            return (stream == nil || parts[1] == stream ?? "") && (query == nil || parts[2] == query ?? "")
        }
    }

    /// The pauses of an `EventFollower` in seconds; tests use shorter ones.
    package struct Timing: Sendable {
        /// The pause between reads of the journal until the first live message has arrived, in seconds.
        package var ask = 1.0
        /// The time without any message or heartbeat after which the journal is read, in seconds.
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
    /// The number of messages by which one node of a fleet may be behind another.
    private static let fleetLag: Int64 = 10_000

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

    /// Makes `run` return soon; may be called from any thread.
    package func stop() { stopping.store(true, ordering: .relaxed) }

    /// The position up to which messages were reported, and the journal to which its number belongs.
    private struct Place {
        /// The number of the last message that was reported, or that the filter left out.
        var last: Int64
        var journal: String

        /// Returns the position in the daemon's present journal up to which its messages are already known.
        ///
        /// `now` describes that journal, which may be another one or an older copy.
        func moved(to now: Snapshot) -> Place {
            let common = now.branches.last { $0.journal == journal }?.seq ?? 0
            return Place(last: min(last, common), journal: now.journal)
        }
    }

    /// Reports the messages with greater numbers than `since`, or only new ones if it is nil.
    ///
    /// With `open`, the newest message of each event that has not ended comes first. The call runs on the calling
    /// thread: with `live` until `stop` is called, otherwise until the newest message. It throws if the daemon does not
    /// answer at the start; later it waits until the daemon answers.
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
        if place.last > now.seq + (filter.isOfFleet ? Self.fleetLag : 0) {
            // A number does not say to which journal it belongs. If this journal continues an earlier one, it may be
            // from there.
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
            // A subscription takes effect after a moment: messages before that are only in the journal.
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
            // The heartbeat is older than what was reported, or the journal was replaced by an older copy: ask the
            // daemon.
            // A node of a fleet may be behind the one that the number to begin after is from.
            if beat.seq < place.last, beat.journal == place.journal, !filter.isOfFleet {
                return try patiently(tell) { try look(&place, tell) }
            }
            guard beat.seq > place.last || beat.journal != place.journal else { return }
            return try patiently(tell) { try fill(&place, through: beat.seq, tell) }
        }
        guard message.seq > place.last else { return }
        if message.seq > place.last + 1 {
            try patiently(tell) { try fill(&place, through: message.seq - 1, tell) }
        }
        // This message may have been read from the journal meanwhile.
        guard message.seq > place.last, !stopping.load(ordering: .relaxed) else { return }
        place.last = message.seq
        if filter.passes(message.topic) { try tell(.message(message)) }
    }

    /// Checks whether the journal ends before the position, and if so starts again from its beginning.
    ///
    /// A journal that ends there is an older copy that has replaced the one that was followed.
    private func look(_ place: inout Place, _ tell: (Followed) throws -> Void) throws {
        let now = try snapshot()
        guard now.journal == place.journal, now.seq < place.last else { return }
        place.last = 0
        try tell(.restarted)
        try tell(.resumed(after: 0))
        try fill(&place, through: now.seq, tell)
    }

    /// Reads the journal's messages after the position and up to number `seq`, and reports them through `tell`.
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
                // Checked for each message, because a slow receiver may never reach the end of the journal.
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

    /// Repeats `body` while it fails with a temporary error, until `stop` is called; reports the first failure.
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

    /// Returns true for an error that may be temporary, after which the request is worth repeating.
    private static func passes(_ error: any Error) -> Bool {
        if let error = error as? MessagingError { return !error.isDenied }
        return ["busy", "too-many-requests", "timeout", "unavailable"].contains((error as? ControlReply.Failure)?.code)
    }

    // MARK: Requests to the daemon

    /// An earlier journal that the daemon's journal continues, and the last message number that both share.
    private struct Branch: Decodable { let journal: String, seq: Int64, complete: Bool }

    /// The daemon's events that have not ended, and the number of its newest message at that time.
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
