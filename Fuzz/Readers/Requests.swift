import Daemon
import Foundation
import Matching
import Messaging
import WatchwordConfiguration
import WireFormat

/// Reads queries and control requests like the daemon, but only checks them: no daemon runs here.
///
/// A value that is read, written and read again must stay the same.
enum Requests {
    /// The base of relative paths, which does not exist.
    private static let nowhere = URL(filePath: "/nonexistent")

    static func configuration(_ data: Data) throws {
        _ = try Configuration(yaml: String(decoding: data, as: UTF8.self), path: "fuzz")
    }

    /// Reads an import: YAML or JSON lines.
    static func queries(_ data: Data) throws {
        let read = try QueryConfiguration.read(data, path: "fuzz", folder: nowhere)
        let lines = try QueryConfiguration.jsonLines(read)
        try expectSame(read, QueryConfiguration.read(lines, path: "lines", folder: nowhere))
        let yaml = Data(try QueryConfiguration.yaml(read).utf8)
        try expectSame(read, QueryConfiguration.read(yaml, path: "yaml", folder: nowhere))
    }

    /// Reads a request, and its arguments as each operation would.
    static func control(_ data: Data) throws {
        let json = try JSONText.parse(data)
        try expectSame(json, JSONText.parse(WireCoding.encode(json)))
        // Nothing else is asked for in most of what mutations make: then all of it is taken for the arguments.
        let args = (try? Operations.asked(json))?.args ?? json
        attempt {
            let stream = try args.decoded(as: StreamConfiguration.self)
            guard stream.problem == nil else { return }
            precondition(stream.rectangles.count == (stream.regions ?? [:]).count && Name.isValid(stream.name))
            try expectSame(stream, JSONValue(encoding: stream).decoded(as: StreamConfiguration.self))
        }
        for value in args["queries"]?.array ?? [args] {
            attempt {
                let query = try QueryConfiguration(json: value)
                precondition(Name.isValid(query.idOrSlug))
                try expectSame(query, QueryConfiguration(json: JSONValue(encoding: query)))
                attempt { _ = try query.changed(by: json) }
            }
        }
        attempt { _ = try WireCoding.encode(ControlReply(id: json["id"]?.string ?? "", result: args)) }
    }

    static func clients(_ data: Data) throws {
        let text = String(decoding: data, as: UTF8.self)
        _ = try ClientList(text)
    }

    private static func expectSame<Value: Equatable>(_ one: Value, _ other: @autoclosure () throws -> Value) throws {
        do {
            let other = try other()
            precondition(one == other, "what is written is read as something else")
        } catch {
            preconditionFailure("what is written is not read: \(error)")
        }
    }
}
