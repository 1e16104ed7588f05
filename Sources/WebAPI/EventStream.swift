import Daemon
import HummingbirdCore
import Journal
import NIOCore
import Publishing
import WireFormat

/// One client of the event stream (server-sent events): first the missed messages from the journal, then new ones.
///
/// It reads the shared, bounded buffer of newest messages at its own pace, and the journal if it has fallen behind;
/// only a number is kept for it. `ConnectionLimits` closes the connection of a client that reads nothing; the client
/// continues with `Last-Event-ID`.
struct EventStream: Sendable {
    /// The longest time without a message, after which a comment is sent.
    ///
    /// Proxies then keep the connection, and a client that is gone is noticed.
    private static let silence = Duration.seconds(10)

    /// The interval of checks whether the session is over.
    private static let pause = Duration.seconds(1)

    private let cursor: MessageCursor
    private let counters: WebCounters

    /// Reads `since`, `query`, `stream`, `topic`, `journal` and `log`, and `Last-Event-ID`, which wins over `since`.
    init(
        _ daemon: WatchwordDaemon, _ counters: WebCounters, query: [RequestTarget.Field], lastEventID: String?,
        for caller: Caller
    ) throws(Refusal) {
        let values = try MessageCursor.values(query, Self.arguments)
        let filter = MessageFilter(
            topicPrefix: values["topic"], query: values["query"], stream: values["stream"], seen: caller.streams)
        cursor = try MessageCursor(
            try Self.log(values["log"], of: daemon), filter: filter, since: values["since"], journal: values["journal"], lastEventID: lastEventID)
        self.counters = counters
    }

    static let arguments: [Schema.Property] =
        MessageCursor.arguments + [
            .init("query", .text(0...64), "Only events of one query."),
            .init("stream", .text(0...160), "Only what concerns one stream, or a region as in stream/region."),
            .init("topic", .text(0...256), "What topics begin with."), EventOperations.logArgument,
        ]

    private static func log(_ name: String?, of daemon: WatchwordDaemon) throws(Refusal) -> any MessageLog {
        guard name == nil || name == "node" || name == "fleet" else {
            throw Refusal(400, "bad-argument", "log: expected node or fleet, found \"\(name?.prefix(40) ?? "")\"")
        }
        do { return try daemon.log(name) } catch {
            throw Refusal(error)
        }
    }

    /// Writes messages until the client goes, the daemon ends, or `isOver`.
    func write(_ writer: inout any ResponseBodyWriter, until isOver: @Sendable () -> Bool) async throws {
        var (cursor, told) = (cursor, ContinuousClock.now)
        try await writer.write(ByteBuffer(string: "retry: 1000\n: journal \(cursor.journal)\n\n"))
        if let body = try cursor.earlier() {
            try await writer.write(ByteBuffer(string: Self.event(cursor.last, Topic.journal, body)))
        }
        while !Task.isCancelled, !isOver() {
            let text: String
            switch try await cursor.next() {
            case .ended: return
            case .nothing:
                guard await cursor.wait(until: .now + Self.pause), .now - told > Self.silence else { continue }
                text = ":\n\n"
            case .messages(let messages):
                counters.sent(messages.count)
                text = messages.map { Self.event($0.seq, $0.kind, $0.body) }.joined()
            }
            guard !text.isEmpty else { continue }
            told = .now
            try await writer.write(ByteBuffer(string: text))
        }
    }

    private static func event(_ seq: Int64, _ kind: String, _ data: String) -> String {
        "id: \(seq)\nevent: \(kind)\ndata: \(data)\n\n"
    }
}
