import Fleet
import Foundation
import TestSupport
import Testing
import WireFormat

/// A node: a daemon that takes part in a fleet, with its log.
final class FleetBox: Sendable {
    let name: String
    let place: Place
    let program: Program
    /// The web API's port.
    let port: UInt16

    /// The socket on which this node publishes the fleet's log.
    var fleet: String { "ipc://\(place.folder.path)/f" }

    /// `more`: further lines of `fleet:`; `place`: where an earlier process of the node was; `within`: what starts it.
    init(
        _ name: String, engine: [String], more: [String] = [], at place: Place? = nil, within: [String] = []
    ) throws {
        self.name = name
        self.place = try place ?? Place()
        port = try freePort()
        let config = self.place.folder.appending(path: "w.yaml")
        let lines = [
            "model: \(Fixtures.shapes.path)", "head: mean", "journal: \(self.place.journal)",
            "publish: \(self.place.publish)", "control: \(self.place.control)",
            "pipelines: \(Fixtures.repository.appending(path: "Pipelines").path)", "history: off",
            "limits: {requests_per_second: 100000}", "sources: {addresses: [127.0.0.0/8]}",
            "http: {listen: \"127.0.0.1:\(port)\"}", "fleet:", "  publish: ipc://\(self.place.folder.path)/f",
            "  name: site", "  node: \(name)", "  engine: [\(engine.joined(separator: ", "))]",
        ]
        // Streams move where a test says so, however busy the machine is.
        let isBalanced = more.contains { $0.hasPrefix("rebalance:") }
        let fleet = (isBalanced ? more : more + ["rebalance: off"]).map { "  \($0)" }
        try (lines + fleet).joined(separator: "\n").write(
            to: config, atomically: true, encoding: .utf8)
        let log = self.place.folder.appending(path: "log").path
        program = try Program(
            "/bin/sh",
            ["-c", "exec \"$@\" 2>>\"$0\"", log] + within
                + [Fixtures.plugins + "/watchwordd", "--config", config.path])
    }

    var log: String {
        (try? String(contentsOf: place.folder.appending(path: "log"), encoding: .utf8)) ?? ""
    }

    func status() async throws -> FleetStatus {
        let reply = try await place.ask("fleet.status")
        return try #require(reply.result).decoded(as: FleetStatus.self)
    }

    /// Whether the node's status is as asked, within the usual time.
    func comes(_ isRight: @escaping @Sendable (FleetStatus) -> Bool) async throws -> Bool {
        try await until {
            guard let status = try? await self.status() else { return false }
            return isRight(status)
        }
    }

    func ask(_ operation: String, _ args: [String: String]) async throws -> ControlReply {
        try await place.ask(operation, .object(args.mapValues { .string($0) }))
    }
}

/// The fleet's log, whole.
func readLog(_ etcd: Etcd) async throws -> [LogBatch.Message] {
    let engine = try EtcdClient(.init(members: etcd.members))
    var messages: [LogBatch.Message] = []
    var range = FleetKeys("site").log
    while true {
        let answer = try await engine.read(range, limit: 100, at: nil)
        messages += answer.values.compactMap { LogBatch($0.value) }.flatMap(\.messages)
        guard answer.isMore, let last = answer.values.last else { break }
        range = KeyRange(from: last.key + "\u{0}", to: range.end)
    }
    await engine.close()
    return messages
}
