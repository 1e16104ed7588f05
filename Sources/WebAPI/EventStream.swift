import Daemon
import Foundation
import Hummingbird
import HummingbirdCore
import Journal
import NIOCore
import WireFormat

/// One client of the event stream (server-sent events): first what it has missed, from the journal, then what comes.
///
/// It reads the one bounded buffer of newest messages, at its own pace, and the journal where it has fallen behind:
/// nothing is kept for it but a number. Whoever does not read at all is cut off by `ConnectionLimits`, and goes on with
/// `Last-Event-ID`.
struct EventStream: Sendable {
    /// Messages taken at once.
    private static let page = 256
    /// A comment is sent when nothing else was, so that proxies keep the connection, and a client that is gone is
    /// noticed.
    private static let silence = Duration.seconds(10)

    let outbox: Outbox
    let counters: WebCounters
    let filter: MessageFilter
    /// Everything up to this number is known to the client.
    let since: Int64
    /// Whether the client named it.
    private let hasNumber: Bool

    /// Reads `since`, `query`, `stream`, `topic` and `journal` of the query, and `Last-Event-ID`, which wins.
    init(
        _ outbox: Outbox, _ counters: WebCounters, query: [RequestTarget.Field], lastEventID: String?
    ) throws(Refusal) {
        var values: [String: String] = [:]
        for field in query {
            guard Self.arguments.contains(where: { $0.key == field.name }) else {
                throw Refusal(400, "bad-argument", "\(field.name.prefix(64)): no such argument")
            }
            guard values.updateValue(field.value, forKey: field.name) == nil else {
                throw Refusal(400, "bad-argument", "\(field.name): it stands twice")
            }
        }
        if let journal = values["journal"], journal != outbox.identity {
            throw Refusal(
                409, "other-journal", "the numbers of this journal began anew; ask without one for what is open")
        }
        // A browser that has had no number sends none, or an empty one.
        let last = lastEventID.flatMap { $0.isEmpty ? nil : $0 }
        let newest = outbox.feed.newest
        var since = newest
        hasNumber = (last ?? values["since"]) != nil
        if let text = last ?? values["since"] {
            guard let number = Int64(text), number >= 0 else {
                throw Refusal(400, "bad-argument", "\(last == nil ? "since" : "Last-Event-ID"): expected a number")
            }
            since = number
        }
        if since > max(newest, outbox.lastSeq) {
            // The number may be of an earlier journal. A browser that comes back could do nothing about a refusal.
            guard last != nil, let branch = outbox.branches.last, !branch.isComplete else {
                throw Refusal(409, "other-journal", "there is no message \(since) yet: the newest is \(newest)")
            }
            since = branch.seq
        }
        self.since = since
        self.outbox = outbox
        self.counters = counters
        filter = MessageFilter(topicPrefix: values["topic"], query: values["query"], stream: values["stream"])
    }

    static let arguments: [Schema.Property] = [
        .init("since", .integer(0...Int64.max), "The number after which to begin; the newest, if it is left out."),
        .init("query", .text(0...64), "Only events of one query."),
        .init("stream", .text(0...160), "Only what concerns one stream, or a region as in stream.region."),
        .init("topic", .text(0...256), "What topics begin with."),
        .init("journal", .text(0...64), "The journal that `since` is of, as `events.open` names it."),
    ]

    /// Writes until the client goes, or the daemon ends.
    func write(_ writer: inout any ResponseBodyWriter) async throws {
        try await writer.write(ByteBuffer(string: "retry: 1000\n: journal \(outbox.identity)\n\n"))
        var last = since
        // Numbers do not say of which journal they are: who came back with one is told that there have been several.
        if hasNumber, let text = try earlier() { try await writer.write(ByteBuffer(string: text)) }
        while !Task.isCancelled {
            let text: String
            switch outbox.feed.next(after: last, limit: Self.page) {
            case .ended: return
            case .messages(let entries) where entries.isEmpty:
                await outbox.feed.wait(after: last, until: .now + Self.silence)
                guard !Task.isCancelled, outbox.feed.newest <= last else { continue }
                text = ":\n\n"
            case .messages(let entries):
                last = entries.last?.seq ?? last
                text = shown(entries.lazy.filter(filter.passes), holes: [])
            case .behind(let newest):
                let page = try await outbox.replay(since: last, limit: Self.page, filter: filter)
                let isAll = page.entries.count < Self.page
                let found = max(last, page.entries.last?.seq ?? 0, page.holes.last?.last ?? 0)
                // What comes after the page's end is for the next one; published messages are all in the journal.
                last = isAll ? max(found, newest) : page.entries.last?.seq ?? last
                text = shown(page.entries, holes: page.holes)
            }
            if !text.isEmpty { try await writer.write(ByteBuffer(string: text)) }
        }
    }

    private func earlier() throws -> String? {
        guard !outbox.branches.isEmpty else { return nil }
        let message = JournalMessage(
            seq: since, journal: outbox.identity,
            earlier: outbox.branches.map { .init(journal: $0.identity, seq: $0.seq) })
        let body = try WireCoding.encode(message)
        return Self.event(since, Topic.journal, String(decoding: body, as: UTF8.self))
    }

    private func shown(_ entries: some Sequence<Entry>, holes: [Hole]) -> String {
        var parts = entries.map { entry in
            let kind = entry.topic.prefix { $0 != "." }
            return (
                seq: entry.seq, text: Self.event(entry.seq, String(kind), String(decoding: entry.body, as: UTF8.self))
            )
        }
        for hole in holes {
            let lost = LostMessage(first: hole.first, last: hole.last, reason: hole.reason.rawValue)
            guard let body = try? WireCoding.encode(lost) else { continue }
            let text = Self.event(hole.last, Topic.lost, String(decoding: body, as: UTF8.self))
            parts.append((hole.last, text))
        }
        counters.sent(parts.count)
        return parts.sorted { $0.seq < $1.seq }.map(\.text).joined()
    }

    private static func event(_ seq: Int64, _ kind: String, _ data: String) -> String {
        "id: \(seq)\nevent: \(kind)\ndata: \(data)\n\n"
    }
}
