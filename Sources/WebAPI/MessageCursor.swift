import Daemon
import Foundation
import Journal
import Publishing
import WireFormat

/// Reads the daemon's messages after a number, in order, at one client's pace.
///
/// They come from the shared, bounded buffer of newest messages, and from the journal if the client has fallen behind;
/// for each client only a number is stored.
struct MessageCursor: Sendable {
    /// A message for the client, or a notice that messages were lost.
    struct Message: Sendable {
        let seq: Int64
        /// The first part of the message's topic, such as "match".
        let kind: String
        /// The message's body as JSON text.
        let body: String
    }

    enum Next {
        case messages([Message])
        /// There is no new message yet.
        case nothing
        /// The daemon is ending, so no further message will come.
        case ended
    }

    /// The greatest number of messages that are read at once.
    private static let page = 256

    private let log: any MessageLog
    private let filter: MessageFilter
    /// True if the client named the number of the last message that it has.
    private let hasNumber: Bool
    /// True if the client's number is greater than any that this journal has given.
    private let isFromElsewhere: Bool
    /// The number of the last message that the client has received.
    private(set) var last: Int64

    static let arguments: [Schema.Property] = [
        .init("since", .integer(0...Int64.max), "The number after which to begin; the newest, if it is left out."),
        .init("journal", .text(0...64), "The journal that `since` is of, as `events.open` names it."),
    ]

    /// Makes a reader of the messages after number `since`; throws if that number or the journal is not this daemon's.
    ///
    /// `lastEventID` is a browser's number, which has priority over `since`.
    init(
        _ log: any MessageLog, filter: MessageFilter, since given: String?, journal: String?, lastEventID: String? = nil
    ) throws(Refusal) {
        if let journal, journal != log.identity {
            throw Refusal(
                409, "other-journal", "the numbers of this journal began anew; ask without one for what is open")
        }
        let newest = log.feed.newest
        var since = newest
        hasNumber = (lastEventID ?? given) != nil
        var isUnknown = false
        if let text = lastEventID ?? given {
            guard let number = Int64(text), number >= 0 else {
                let name = lastEventID == nil ? "since" : "Last-Event-ID"
                throw Refusal(400, "bad-argument", "\(name): expected a number")
            }
            since = number
        }
        if since > max(newest, log.lastSeq), !log.mayBeBehind {
            // The number may be of an earlier journal. A browser that reconnects could not react to an error.
            guard lastEventID != nil else {
                throw Refusal(409, "other-journal", "there is no message \(since) yet: the newest is \(newest)")
            }
            // If the journal came back with its own file of what was published, no branch says where the two parted.
            isUnknown = true
            since = log.branches.last.flatMap { $0.isComplete ? nil : $0.seq } ?? log.feed.start
        }
        last = since
        isFromElsewhere = isUnknown
        self.log = log
        self.journal = log.identity
        self.filter = filter
    }

    /// The identity of the journal in which messages have these numbers.
    let journal: String

    /// Returns JSON that lists the earlier journals that the client's number may belong to.
    ///
    /// Nil if there are no earlier journals and the number may be this one's, or if the client named no number.
    func earlier() throws -> String? {
        guard hasNumber, isFromElsewhere || !log.branches.isEmpty else { return nil }
        let message = JournalMessage(
            seq: last, journal: log.identity,
            earlier: log.branches.map { .init(journal: $0.identity, seq: $0.seq) })
        return String(decoding: try WireCoding.encode(message), as: UTF8.self)
    }

    /// Returns the next messages, or that there are none; it waits only for the journal, never for new messages.
    mutating func next() async throws -> Next {
        // The numbers of another log are other numbers: the client asks anew.
        guard log.identity == self.journal else { return .ended }
        switch log.feed.next(after: last, limit: Self.page) {
        case .ended: return .ended
        case .messages(let entries) where entries.isEmpty: return .nothing
        case .messages(let entries):
            last = entries.last?.seq ?? last
            return .messages(Self.shown(entries.lazy.filter(filter.passes), holes: []))
        case .behind(let newest):
            let page = try await log.replay(since: last, limit: Self.page, filter: filter)
            let found = max(last, page.entries.last?.seq ?? 0, page.holes.last?.last ?? 0)
            // Messages after the page's end are read by the next call; all published messages are in the journal.
            last = page.through ?? max(found, newest)
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
