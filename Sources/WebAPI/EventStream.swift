import ControlAPI
import Daemon
import HummingbirdCore
import Journal
import NIOCore
import Publishing
import WireFormat

/// The event stream of one client (server-sent events): first the messages that it missed, then new ones.
///
/// It reads the shared, bounded buffer of newest messages at the client's pace, and the journal if the client has
/// fallen behind; for each client only a number is stored. `ConnectionLimits` closes the connection of a client that
/// reads nothing. A client that connects again continues by `Last-Event-ID`.
struct EventStream: Sendable {
    /// The longest time without a message, after which an SSE comment is sent.
    ///
    /// It keeps proxies from closing the connection, and shows whether the client still exists.
    private static let silence = Duration.seconds(10)

    /// The time between checks whether the client's session has ended.
    private static let pause = Duration.seconds(1)

    private let cursor: MessageCursor
    private let counters: WebCounters

    /// Makes the event stream of a client from its query string; throws if an argument is wrong.
    ///
    /// The header `Last-Event-ID` has priority over `since`.
    init(
        _ daemon: WatchwordDaemon, _ counters: WebCounters, query: [RequestTarget.Field], lastEventID: String?,
        for caller: Caller
    ) async throws {
        let values = try ArgumentReader.texts(query, Self.arguments)
        // A browser that has not received a number sends none, or an empty one.
        let lastEventID = lastEventID.flatMap { $0.isEmpty ? nil : $0 }
        let log = try daemon.log(values["log"])
        if let since = (lastEventID ?? values["since"]).flatMap({ Int64($0) }) { try await log.checkReaches(since) }
        let filter = MessageFilter(
            topicPrefix: values["topic"], query: values["query"], stream: values["stream"], seen: caller.streams)
        cursor = try MessageCursor(
            log, filter: filter, since: values["since"], journal: values["journal"], lastEventID: lastEventID)
        self.counters = counters
    }

    static let arguments: [Schema.Property] =
        MessageCursor.arguments + [
            .init("query", .text(0...64), "Only events of one query."),
            .init("stream", .text(0...160), "Only what concerns one stream, or a region as in stream/region."),
            .init("topic", .text(0...256), "What topics begin with."), EventOperations.logArgument,
        ]

    /// Writes messages until the client disconnects, the daemon ends, or `isOver` returns true.
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
