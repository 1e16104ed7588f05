import Daemon
import Foundation
import Journal
import Publishing
import WireFormat

/// Reads the messages after a number, in order, at its reader's own pace.
///
/// They come from the shared, bounded buffer of newest messages, and from the journal if the reader has fallen behind;
/// only a number is kept for each reader.
struct MessageCursor: Sendable {
    /// A message to send, or one that tells which messages were lost.
    struct Message: Sendable {
        let seq: Int64
        /// The first part of the message's topic, such as "match".
        let kind: String
        /// The body as JSON.
        let body: String
    }

    enum Next {
        case messages([Message])
        /// No new message.
        case nothing
        /// The daemon is ending.
        case ended
    }

    /// The greatest number of messages read at once.
    private static let page = 256

    private let log: any MessageLog
    private let filter: MessageFilter
    /// Whether the reader named the number to begin after.
    private let hasNumber: Bool
    /// The number up to which the reader has all messages.
    private(set) var last: Int64

    static let arguments: [Schema.Property] = [
        .init("since", .integer(0...Int64.max), "The number after which to begin; the newest, if it is left out."),
        .init("journal", .text(0...64), "The journal that `since` is of, as `events.open` names it."),
    ]

    /// Begins after a number; throws if the number or the journal is not this daemon's.
    ///
    /// `lastEventID` is a browser's number, which has priority over `since`.
    init(
        _ log: any MessageLog, filter: MessageFilter, since given: String?, journal: String?, lastEventID: String? = nil
    ) throws(Refusal) {
        if let journal, journal != log.identity {
            throw Refusal(
                409, "other-journal", "the numbers of this journal began anew; ask without one for what is open")
        }
        // A browser that has had no number sends none, or an empty one.
        let browsers = lastEventID.flatMap { $0.isEmpty ? nil : $0 }
        let newest = log.feed.newest
        var since = newest
        hasNumber = (browsers ?? given) != nil
        if let text = browsers ?? given {
            guard let number = Int64(text), number >= 0 else {
                let name = browsers == nil ? "since" : "Last-Event-ID"
                throw Refusal(400, "bad-argument", "\(name): expected a number")
            }
            since = number
        }
        if since > max(newest, log.lastSeq) {
            // The number may be of an earlier journal. A browser that comes back could do nothing about a refusal.
            guard browsers != nil, let branch = log.branches.last, !branch.isComplete else {
                throw Refusal(409, "other-journal", "there is no message \(since) yet: the newest is \(newest)")
            }
            since = branch.seq
        }
        last = since
        self.log = log
        self.filter = filter
    }

    /// Returns the values of a query string's fields; throws on unknown and repeated fields.
    static func values(
        _ query: [RequestTarget.Field], _ arguments: [Schema.Property]
    ) throws(Refusal) -> [String: String] {
        var values: [String: String] = [:]
        for field in query {
            guard arguments.contains(where: { $0.key == field.name }) else {
                throw Refusal(400, "bad-argument", "\(field.name.prefix(64)): no such argument")
            }
            guard values.updateValue(field.value, forKey: field.name) == nil else {
                throw Refusal(400, "bad-argument", "\(field.name): it stands twice")
            }
        }
        return values
    }

    /// The identity of the journal that the numbers belong to.
    var journal: String { log.identity }

    /// The earlier journals that a reader's number may belong to; nil without such journals, or without a number.
    func earlier() throws -> String? {
        guard hasNumber, !log.branches.isEmpty else { return nil }
        let message = JournalMessage(
            seq: last, journal: log.identity,
            earlier: log.branches.map { .init(journal: $0.identity, seq: $0.seq) })
        return String(decoding: try WireCoding.encode(message), as: UTF8.self)
    }

    /// Returns what comes next; it waits only for the journal.
    mutating func next() async throws -> Next {
        switch log.feed.next(after: last, limit: Self.page) {
        case .ended: return .ended
        case .messages(let entries) where entries.isEmpty: return .nothing
        case .messages(let entries):
            last = entries.last?.seq ?? last
            return .messages(Self.shown(entries.lazy.filter(filter.passes), holes: []))
        case .behind(let newest):
            let page = try await log.replay(since: last, limit: Self.page, filter: filter)
            let isAll = page.entries.count < Self.page
            let found = max(last, page.entries.last?.seq ?? 0, page.holes.last?.last ?? 0)
            // What comes after the page's end is for the next one; published messages are all in the journal.
            last = isAll ? max(found, newest) : page.entries.last?.seq ?? last
            return .messages(Self.shown(page.entries, holes: page.holes))
        }
    }

    /// Waits for a new message; returns true if none came until `end`.
    func wait(until end: ContinuousClock.Instant) async -> Bool {
        await log.feed.wait(after: last, until: end)
        return !Task.isCancelled && log.feed.newest <= last
    }

    private static func shown(_ entries: some Sequence<Entry>, holes: [Hole]) -> [Message] {
        var messages = entries.map { entry in
            Message(
                seq: entry.seq, kind: String(entry.topic.prefix { $0 != "." }),
                body: String(decoding: entry.body, as: UTF8.self))
        }
        for hole in holes {
            let lost = LostMessage(first: hole.first, last: hole.last, reason: hole.reason.rawValue)
            guard let body = try? WireCoding.encode(lost) else { continue }
            messages.append(Message(seq: hole.last, kind: Topic.lost, body: String(decoding: body, as: UTF8.self)))
        }
        return messages.sorted { $0.seq < $1.seq }
    }
}
