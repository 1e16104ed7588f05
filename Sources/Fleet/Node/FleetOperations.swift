package import ControlAPI
import WireFormat

/// A daemon that may be a node of a fleet (daemons that share streams and queries); if not, `fleet` is nil.
package protocol FleetDaemon: Sendable {
    var fleet: FleetNode? { get }
}

/// The control operations `fleet.status`, `fleet.drain`, `fleet.undrain` and `fleet.move`.
package enum FleetOperations<Daemon: FleetDaemon> {
    package static var all: [ControlOperation<Daemon>] {
        [
            ControlOperation(
                "fleet.status", .get, "/fleet", "The fleet's nodes and streams, as this node knows them.",
                needs: .view, answers: .object(FleetSchemas.status), fails: [.refused]
            ) { daemon, _ in
                try JSONValue(encoding: await node(daemon).status())
            },
            ControlOperation(
                "fleet.drain", .post, "/fleet/nodes/{node}/drain",
                "Moves a node's streams to others, and gives it no more, until it is undrained.", needs: .control,
                takes: FleetSchemas.node, answers: .object([.init("drained", .name, required: true)]),
                fails: [.refused, .notFound, .unavailable]
            ) { daemon, args in
                let name = try ControlArguments.name(args, "node")
                try await node(daemon).drain(name, true)
                return .object(["drained": .string(name)])
            },
            ControlOperation(
                "fleet.undrain", .post, "/fleet/nodes/{node}/undrain", "Lets a node take streams again.",
                needs: .control, takes: FleetSchemas.node,
                answers: .object([.init("undrained", .name, required: true)]),
                fails: [.refused, .notFound, .unavailable]
            ) { daemon, args in
                let name = try ControlArguments.name(args, "node")
                try await node(daemon).drain(name, false)
                return .object(["undrained": .string(name)])
            },
            ControlOperation(
                "fleet.move", .post, "/fleet/streams/{stream}/move", "Moves a stream to a node.", needs: .control,
                takes: .object([.init("stream", .name, required: true), .init("node", .name, required: true)]),
                answers: .object([
                    .init("moved", .name, required: true), .init("node", .name, required: true),
                ]), fails: [.refused, .notFound, .unavailable]
            ) { daemon, args in
                let stream = try ControlArguments.name(args, "stream")
                let name = try ControlArguments.name(args, "node")
                try await node(daemon).move(stream, to: name)
                return .object(["moved": .string(stream), "node": .string(name)])
            },
        ]
    }

    private static func node(_ daemon: Daemon) throws -> FleetNode {
        guard let node = daemon.fleet else {
            throw ControlFailure(
                .refused, "this daemon is in no fleet; the configuration's section fleet makes it a node of one")
        }
        return node
    }
}

private enum FleetSchemas {
    static let node = Schema.object([.init("node", .name, required: true)])
    static let status: [Schema.Property] = [
        .init("fleet", .name, required: true), .init("node", .name, required: true),
        .init("state", .word(["member", "joining", "cut-off", "refused"]), required: true),
        .init("problem", .text()), .init("identity", .text()), .init("planner", .text()),
        .init("engine", .list(.text()), required: true),
        .init("head", .integer(), required: true, "The newest number of the fleet's log."),
        .init("waiting", .integer(), required: true, "Messages of this node that are not in the log yet."),
        .init("queries", .integer(), required: true),
        .init(
            "nodes",
            .list(
                .object([
                    .init("name", .name, required: true),
                    .init("state", .word(["live", "draining", "drained", "gone"]), required: true),
                    .init("host", .text(), required: true), .init("version", .text(), required: true),
                    .init("streams", .integer(), required: true), .init("playing", .integer(), required: true),
                    .init("cpu", .number(), required: true, "CPU-seconds that its process takes a second."),
                    .init("cores", .number(), required: true), .init("sheds", .truth, required: true),
                    .init("waiting", .integer(), required: true), .init("labels", .list(.text()), required: true),
                ])), required: true),
        .init(
            "streams",
            .list(
                .object([
                    .init("name", .name, required: true), .init("node", .text(), required: true),
                    .init("planned", .text(), required: true), .init("epoch", .integer(), required: true),
                    .init("state", .text(), required: true), .init("reason", .text()),
                ])), required: true),
        .init("problems", .list(.text()), required: true, "Keys of the engine that cannot be read."),
    ]
}
