package import Foundation
import Heads
import Journal
import Matching
import Messaging

/// A control request that was refused: a code for programs, a sentence for people.
package struct ControlFailure: Error, Equatable, CustomStringConvertible {
    package let code: String
    package let description: String

    package init(_ code: String, _ message: String) {
        self.code = code
        description = message
    }
}

/// The control operations, once for whatever socket brings them.
package struct Operations: Sendable {
    private let tower: Watchtower

    package init(_ tower: Watchtower) { self.tower = tower }

    package static let names = [
        "query.add", "query.list", "query.get", "query.remove", "query.test", "stream.add", "stream.list", "stream.get",
        "stream.remove", "events.replay", "events.open", "status", "heads.list",
    ]

    /// Answers one request; never throws, whatever the bytes are.
    package func answer(_ data: Data) async -> Data {
        var id = ""
        do {
            guard let json = try? WireCoding.decode(JSONValue.self, data) else {
                throw ControlFailure("bad-request", "the request is not JSON")
            }
            id = json["id"]?.string ?? ""
            guard let request = try? json.decoded(as: ControlRequest.self) else {
                throw ControlFailure("bad-request", "the request needs \"v\", \"id\" and \"op\"")
            }
            guard request.v == 1 else {
                throw ControlFailure("bad-version", "version \(request.v) of the protocol is not spoken here; use 1")
            }
            let result = try await perform(request.op, request.args ?? .object([:]))
            return try WireCoding.encode(ControlReply(id: id, result: result))
        } catch {
            let failure = (error as? ControlFailure).map { ControlReply.Failure(code: $0.code, message: "\($0)") }
            let reply = ControlReply(id: id, error: failure ?? .init(code: "refused", message: "\(error)"))
            return (try? WireCoding.encode(reply)) ?? Data("{\"ok\":false}".utf8)
        }
    }

    private func perform(_ operation: String, _ args: JSONValue) async throws -> JSONValue {
        switch operation {
        case "query.add":
            let (query, truncated) = try await tower.addQuery(arguments(args, as: QueryConfiguration.self))
            return .object(["query": try JSONValue(encoding: QueryDescription(query)), "truncated": .bool(truncated)])
        case "query.list":
            return .array(try await tower.engine.allQueries.map { try JSONValue(encoding: QueryDescription($0)) })
        case "query.get":
            let id = try name(args, "id")
            guard let query = await tower.engine.query(id) else { throw Self.noQuery(id) }
            return try JSONValue(encoding: QueryDescription(query))
        case "query.remove":
            let id = try name(args, "id")
            guard try await tower.removeQuery(id) else { throw Self.noQuery(id) }
            return .object(["removed": .string(id)])
        case "query.test":
            return try await test(args)
        case "stream.add":
            let stream = try arguments(args, as: StreamConfiguration.self)
            try await tower.addStream(stream)
            return .object(["added": .string(stream.name)])
        case "stream.list":
            return try JSONValue(encoding: await tower.streamStatus())
        case "stream.get":
            let wanted = try name(args, "name")
            guard let found = await tower.streamStatus().first(where: { $0.name == wanted }) else {
                throw ControlFailure("not-found", "there is no stream \"\(wanted)\"")
            }
            return try JSONValue(encoding: found)
        case "stream.remove":
            let wanted = try name(args, "name")
            guard try await tower.removeStream(wanted) else {
                throw ControlFailure("not-found", "there is no stream \"\(wanted)\"")
            }
            return .object(["removed": .string(wanted)])
        case "events.replay":
            return try await EventOperations(tower.outbox).replay(args)
        case "events.open":
            return try await EventOperations(tower.outbox).open()
        case "status":
            return try JSONValue(encoding: await tower.status())
        case "heads.list":
            return .array(
                await tower.engine.heads().map { head in
                    .object([
                        "name": .string(head.name), "version": .string(head.library?.version ?? ""),
                        "description": .string(head.library?.description ?? head.problem ?? ""),
                        "usable": .bool(head.library != nil),
                    ])
                })
        default:
            throw ControlFailure(
                "unknown-operation",
                "\"\(operation.prefix(64))\" is no operation; there are: \(Self.names.joined(separator: ", "))")
        }
    }

    private func test(_ args: JSONValue) async throws -> JSONValue {
        let from = try arguments(args, as: QueryConfiguration.self)
        var filled = from
        filled.threshold = from.threshold ?? 0
        let query = try tower.defaults.query(filled)
        let rows = try await tower.engine.test(query)
        return .array(
            rows.map { row in
                .object([
                    "stream": .string(row.stream), "score": row.score.map { .number(Double($0)) } ?? .null,
                    "head": .string(query.head),
                    "media": row.span.map { .object(["start": .number($0.mediaStart), "end": .number($0.mediaEnd)]) }
                        ?? .null,
                ])
            })
    }

    private func arguments<T: Decodable>(_ args: JSONValue, as type: T.Type) throws -> T {
        try Arguments.decode(args, as: type)
    }

    private func name(_ args: JSONValue, _ key: String) throws -> String {
        guard let value = args[key]?.string else { throw ControlFailure("bad-argument", "\"\(key)\" is missing") }
        return value
    }

    private static func noQuery(_ id: String) -> ControlFailure {
        ControlFailure("not-found", "there is no query \"\(id.prefix(64))\"")
    }
}

/// A standing query as it is answered.
package struct QueryDescription: Codable, Sendable {
    package let id: String
    package let text: String
    package let phrasings: [String]
    package let prompts: [String]
    package let tags: [String]
    package let head: String
    package let frames: Int
    package let threshold: Float
    package let hysteresis: Float
    package let streams: [String]
    package let enabled: Bool

    init(_ query: StandingQuery) {
        id = query.id
        text = query.text
        phrasings = query.phrasings
        prompts = query.prompts
        tags = query.tags
        head = query.head
        frames = query.frames
        threshold = query.threshold
        hysteresis = query.hysteresis
        streams = query.selector.patterns
        enabled = query.enabled
    }
}

/// Arguments of an operation: what is wrong with them is a sentence.
enum Arguments {
    static func decode<T: Decodable>(_ args: JSONValue, as type: T.Type) throws -> T {
        do {
            return try args.decoded(as: type)
        } catch let error as DecodingError {
            throw ControlFailure("bad-argument", sentence(error))
        }
    }

    private static func sentence(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): "\"\(key.stringValue)\" is missing"
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            "\"\(context.codingPath.map(\.stringValue).joined(separator: "."))\" has a wrong type, expected \(type)"
        default: "the arguments are malformed"
        }
    }
}
