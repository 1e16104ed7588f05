package import Foundation
import Heads
import Journal
import Matching
package import Messaging

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
    private let limits: ControlLimits

    package init(_ tower: Watchtower, limits: ControlLimits = ControlLimits()) {
        self.tower = tower
        self.limits = limits
    }

    package static let names =
        QueryOperations.names + [
            "stream.add", "stream.list", "stream.get", "stream.remove", "events.replay", "events.open", "status",
            "heads.list",
        ]

    /// Requests of so many bytes are read on a thread of their own: reading a hundred thousand queries takes its time.
    private static let large = 65_536

    /// Answers one request; never throws, whatever the bytes are.
    package func answer(_ data: Data) async -> Data {
        var id = ""
        do {
            // What is larger than others may be is read only if it may be an import.
            let isLarge = data.count > limits.request
            guard !isLarge || data.count <= limits.importRequest && data.range(of: Self.importName) != nil else {
                throw tooLarge(limits.request)
            }
            let read = data.count > Self.large ? await offPool { Self.json(data) } : Self.json(data)
            guard let json = read else { throw ControlFailure("bad-request", "the request is not JSON") }
            id = json["id"]?.string ?? ""
            let (operation, args) = try Self.asked(json)
            guard !isLarge || operation == "query.import" else { throw tooLarge(limits.request) }
            let result = try await TimeLimit.run(seconds: TimeLimit.seconds(operation)) {
                try await perform(operation, args)
            }
            return try WireCoding.encode(ControlReply(id: id, result: result))
        } catch {
            let failure = (error as? ControlFailure).map { ControlReply.Failure(code: $0.code, message: "\($0)") }
            let reply = ControlReply(id: id, error: failure ?? .init(code: "refused", message: "\(error)"))
            return (try? WireCoding.encode(reply)) ?? Data("{\"ok\":false}".utf8)
        }
    }

    /// What a request asks for.
    package static func asked(_ json: JSONValue) throws(ControlFailure) -> (operation: String, args: JSONValue) {
        guard let operation = json["op"]?.string, let version = json["v"]?.integer, json["id"]?.string != nil else {
            throw ControlFailure("bad-request", "the request needs \"v\", \"id\" and \"op\"")
        }
        guard version == 1 else {
            throw ControlFailure("bad-version", "version \(version) of the protocol is not spoken here; use 1")
        }
        return (operation, json["args"] ?? .object([:]))
    }

    private static let importName = Data("\"query.import\"".utf8)

    private func tooLarge(_ limit: Int) -> ControlFailure {
        ControlFailure(
            "too-large", "the request is larger than \(limit >> 20) MB; do it in parts, or import a file of queries")
    }

    private static func json(_ data: Data) -> JSONValue? { try? JSONText.parse(data) }

    private func perform(_ operation: String, _ args: JSONValue) async throws -> JSONValue {
        switch operation {
        case let name where name.hasPrefix("query."):
            return try await QueryOperations(tower).perform(name, args)
        case "stream.add":
            let stream = try ControlArguments.read(args, as: StreamConfiguration.self)
            try await tower.addStream(stream)
            return .object(["added": .string(stream.name)])
        case "stream.list":
            return try JSONValue(encoding: await tower.streamStatus())
        case "stream.get":
            let wanted = try ControlArguments.name(args, "name")
            guard let found = await tower.streamStatus().first(where: { $0.name == wanted }) else {
                throw ControlFailure("not-found", "there is no stream \"\(wanted)\"")
            }
            return try JSONValue(encoding: found)
        case "stream.remove":
            let wanted = try ControlArguments.name(args, "name")
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
}
