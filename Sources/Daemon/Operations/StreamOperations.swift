import ControlAPI
import Engine
import Heads
import Trials
import WatchwordConfiguration
import WireFormat

/// The control operations on streams.
enum StreamOperations {
    static let all: [DaemonOperation] = [
        DaemonOperation(
            "stream.add", .post, "/streams", "Adds a stream, or replaces the one of the same name.", needs: .control,
            takes: .reference("Stream"), answers: added, fails: [.refused]
        ) { daemon, args in
            let stream = try ControlArguments.read(args, as: StreamConfiguration.self)
            let change = try await daemon.streams.add(stream)
            return .object(["added": .string(stream.name), "change": .string(change.rawValue)])
        },
        DaemonOperation(
            "stream.update", .patch, "/streams/{name}",
            "Changes some of a stream, and restarts it if that makes it another; null takes a key back to its default.",
            needs: .control, takes: Schemas.streamChanges, answers: added, fails: [.refused, .notFound]
        ) { daemon, args in
            let wanted = try ControlArguments.name(args, "name")
            let change = try await daemon.streams.update(wanted, args)
            return .object(["added": .string(wanted), "change": .string(change.rawValue)])
        },
        DaemonOperation(
            "stream.test", .post, "/sources/test",
            "Opens a source for ten seconds at most; says what plays, with a picture, or why nothing does.",
            needs: .control, takes: Schemas.streamTest, answers: Schemas.streamTested, fails: [.refused, .notFound]
        ) { daemon, args in
            guard case .object(var keys) = args else { throw ControlFailure(.badArgument, "expected keys and values") }
            let like = try keys["like"].map { _ in try ControlArguments.name(args, "like") }
            keys["like"] = nil
            keys["name"] = nil
            let source: StreamConfiguration
            if let like {
                source = try await daemon.streams.changed(like, .object(keys))
            } else {
                // A source has no name yet; those of streams are not looked at.
                keys["name"] = .string("tried")
                source = try ControlArguments.read(.object(keys), as: StreamConfiguration.self)
            }
            return try JSONValue(encoding: StreamTested(await daemon.streams.test(source)))
        },
        DaemonOperation(
            "stream.list", .get, "/streams", "Every stream, and how it is doing.", needs: .view,
            answers: .list(.reference("StreamStatus"))
        ) { daemon, _, caller in
            try JSONValue(encoding: await daemon.streams.status().filter { caller.sees($0.name) })
        },
        DaemonOperation(
            "stream.get", .get, "/streams/{name}", "One stream, and how it is doing.", needs: .view, takes: name,
            answers: .reference("StreamStatus"), fails: [.notFound]
        ) { daemon, args, caller in
            let wanted = try ControlArguments.name(args, "name")
            guard caller.sees(wanted), let found = await daemon.streams.status().first(where: { $0.name == wanted })
            else {
                throw ControlFailure.noStream(wanted)
            }
            return try JSONValue(encoding: found)
        },
        DaemonOperation(
            "stream.remove", .delete, "/streams/{name}", "Removes a stream; its events end.", needs: .control,
            takes: name,
            answers: .object([
                .init("removed", .name, required: true),
                .init(
                    "returns", .truth, required: true,
                    "Whether the configuration has it, too: it is there again when that is read again."),
            ]), fails: [.notFound]
        ) { daemon, args in
            let wanted = try ControlArguments.name(args, "name")
            guard try await daemon.streams.remove(wanted) else { throw ControlFailure.noStream(wanted) }
            return .object(["removed": .string(wanted), "returns": .bool(await daemon.streams.isInFile(wanted))])
        },
        DaemonOperation(
            "stream.reset", .post, "/streams/{name}/reset",
            "Takes a stream back to what the configuration says, whatever was given through a socket.",
            needs: .control, takes: name, answers: added, fails: [.refused, .notFound]
        ) { daemon, args in
            let wanted = try ControlArguments.name(args, "name")
            let change = try await daemon.streams.reset(wanted)
            return .object(["added": .string(wanted), "change": .string(change.rawValue)])
        },
    ]

    private static let added = Schema.object([
        .init("added", .name, required: true),
        .init("change", .word(["added", "replaced", "unchanged"]), required: true),
    ])
    private static let name = Schema.object([.init("name", .name, required: true)])
}

extension ControlFailure {
    static func noStream(_ name: String) -> ControlFailure {
        ControlFailure(.notFound, "there is no stream \"\(name.prefix(128))\"")
    }
}

/// The control operations on the daemon as a whole.
enum DaemonOperations {
    static let all: [DaemonOperation] = [
        DaemonOperation(
            "status", .get, "/status", "What the daemon does, and has done.", needs: .view,
            answers: .reference("Status")
        ) { daemon, _, caller in
            try JSONValue(encoding: await daemon.status().seen(by: caller))
        },
        DaemonOperation(
            "heads.list", .get, "/heads", "Head plugins, and whether they can be used with the model.", needs: .view,
            answers: .list(
                .object([
                    .init("name", .text(), required: true), .init("version", .text(), required: true),
                    .init("description", .text(), required: true), .init("usable", .truth, required: true),
                ]))
        ) { daemon, _, _ in
            .array(
                await daemon.engine.heads().map { head in
                    .object([
                        "name": .string(head.name), "version": .string(head.library?.version ?? ""),
                        "description": .string(head.library?.description ?? head.problem ?? ""),
                        "usable": .bool(head.library != nil),
                    ])
                })
        },
    ]
}
