import Daemon
import Engine
import Foundation
import HummingbirdCore
import Journal
import Live
import NIOCore
import Recording
import SystemSupport
import WireFormat

/// The live stream of one client: messages, scores and pictures on one connection, in binary frames.
///
/// A frame is a kind (1 byte), the payload's length (4 bytes, big-endian), and the payload. All messages are sent in
/// order; of scores and pictures, a slow client gets only the newest.
struct LiveStream: Sendable {
    static let contentType = "application/vnd.watchword.live"

    private enum Kind: UInt8 {
        /// A frame with an empty payload, which keeps the connection open.
        case alive = 0
        /// The first frame, as JSON: the journal's identity, and the number after which messages follow.
        case hello = 1
        /// A message, as JSON: its kind and its body.
        case message = 2
        /// Scores of the requested queries, as JSON.
        case scores = 3
        /// A picture: the name's length (1 byte), the stream's name, milliseconds since 1970 (8 bytes), a JPEG file.
        case picture = 4
    }

    static let arguments: [Schema.Property] =
        MessageCursor.arguments + [
            .init("streams", .text(0...8192), "Streams whose pictures are wanted, with commas between; * for all."),
            .init(
                "queries", .text(0...4096),
                "Queries whose scores are wanted, with commas between; on the streams that are named, or on all."),
            .init("width", .integer(16...4096), "Samples across a picture that are enough; all, if it is left out."),
        ]
    private static let mostStreams = 64
    private static let mostQueries = 32
    /// The longest time that new data waits before it is sent.
    private static let pause = Duration.milliseconds(100)
    private static let silence = Duration.seconds(10)

    private let cursor: MessageCursor
    private let board: LiveBoard
    private let recordings: Recordings
    private let streams: LiveBoard.Streams
    private let queries: Set<String>
    private let width: Int
    private let seen: NamePatterns?

    init(_ daemon: WatchwordDaemon, query: [RequestTarget.Field], for caller: Caller) throws(Refusal) {
        let values = try ArgumentReader.texts(query, Self.arguments)
        cursor = try MessageCursor(
            daemon.outbox, filter: MessageFilter(seen: caller.streams), since: values["since"],
            journal: values["journal"])
        (board, recordings, seen) = (daemon.live, daemon.recordings, caller.streams)
        streams =
            values["streams"] == "*" ? .all : .named(try Self.names(values, "streams", most: Self.mostStreams))
        queries = try Self.names(values, "queries", most: Self.mostQueries)
        width = values["width"].flatMap { Int($0) } ?? 4096
    }

    private static func names(
        _ values: [String: String], _ key: String, most: Int
    ) throws(Refusal) -> Set<String> {
        let names = Set((values[key] ?? "").split(separator: ",").map(String.init))
        guard names.count <= most else {
            throw Refusal(400, "bad-argument", "\(key): expected at most \(most) names, found \(names.count)")
        }
        guard names.allSatisfy({ $0.utf8.count <= 64 }) else {
            throw Refusal(400, "bad-argument", "\(key): a name has at most 64 bytes")
        }
        return names
    }

    /// Writes frames until the client disconnects, the daemon ends, or `isOver` returns true.
    func write(_ writer: inout any ResponseBodyWriter, until isOver: @Sendable () -> Bool) async throws {
        var cursor = cursor
        let watch = board.watch(streams, queries: queries, seen: seen)
        // A viewer of a stream's previews may look at its video next.
        var wanted: Set<String> = []
        if case .named(let names) = streams { wanted = names.filter { self.seen?.sees($0) ?? true } }
        let expected = recordings.expect(wanted)
        defer { withExtendedLifetime(expected) {} }
        var (seen, point) = ([String: UInt64](), board.points(for: watch, after: .max).newest)
        var told = ContinuousClock.now
        try await writer.write(Self.json(.hello, ["journal": .string(cursor.journal), "seq": .integer(cursor.last)]))
        if let body = try cursor.earlier() { try await writer.write(Self.message("journal", body)) }
        while !Task.isCancelled, !isOver() {
            var frames = ByteBuffer()
            switch try await cursor.next() {
            case .ended: return
            case .nothing: break
            case .messages(let messages):
                for message in messages { frames.writeImmutableBuffer(Self.message(message.kind, message.body)) }
            }
            let (points, newest) = board.points(for: watch, after: point)
            point = newest
            if !points.isEmpty { frames.writeImmutableBuffer(try Self.scores(points)) }
            for picture in board.pictures(for: watch, after: seen, width: width) {
                seen[picture.stream] = picture.number
                frames.writeImmutableBuffer(Self.frame(.picture, Self.picture(picture)))
            }
            if frames.readableBytes == 0 {
                _ = await cursor.wait(until: .now + Self.pause)
                guard .now - told > Self.silence else { continue }
                frames = Self.frame(.alive, ByteBuffer())
            }
            told = .now
            try await writer.write(frames)
        }
    }

    // MARK: Frames

    private static func frame(_ kind: Kind, _ body: ByteBuffer) -> ByteBuffer {
        var frame = ByteBuffer()
        frame.writeInteger(kind.rawValue)
        frame.writeInteger(UInt32(body.readableBytes))
        frame.writeImmutableBuffer(body)
        return frame
    }

    private static func json(_ kind: Kind, _ members: [String: JSONValue]) throws -> ByteBuffer {
        frame(kind, ByteBuffer(bytes: try WireCoding.encode(JSONValue.object(members))))
    }

    /// Encodes a message frame; `body` is already JSON text.
    private static func message(_ kind: String, _ body: String) -> ByteBuffer {
        frame(.message, ByteBuffer(string: "{\"kind\":\"\(kind)\",\"body\":\(body)}"))
    }

    private static func scores(_ points: [LiveBoard.Point]) throws -> ByteBuffer {
        let scores = points.map { point in
            JSONValue.object([
                "query": .string(point.score.query), "stream": .string(point.score.lane),
                "at": .integer(Int64((point.score.at * 1000).rounded())), "value": .number(Double(point.score.value)),
                "threshold": point.score.threshold.flatMap { $0.isFinite ? .number(Double($0)) : nil } ?? .null,
            ])
        }
        return try json(.scores, ["scores": .array(scores)])
    }

    private static func picture(_ picture: LiveBoard.Picture) -> ByteBuffer {
        var body = ByteBuffer()
        let name = Array(picture.stream.utf8.prefix(255))
        body.writeInteger(UInt8(name.count))
        body.writeBytes(name)
        body.writeInteger(UInt64(max(0, (picture.at * 1000).rounded())))
        body.writeBytes(picture.jpeg)
        return body
    }
}
