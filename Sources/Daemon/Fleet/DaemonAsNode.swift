import CLIP
package import ControlAPI
import Engine
import Fleet
import Foundation
package import Journal
import Logging
import Messaging
import Notify
import Publishing
import Sampling
import StreamSources
import WatchwordConfiguration
import WireFormat

extension WatchwordDaemon: FleetDaemon {
    /// Returns the message log that a client names: the fleet's for "fleet", otherwise this daemon's own.
    ///
    /// Throws if the daemon belongs to no fleet, or has not read the fleet's log yet.
    package nonisolated func log(_ name: String?) throws(ControlFailure) -> any MessageLog {
        guard name == "fleet" else { return outbox }
        guard let fleet else {
            throw ControlFailure(.refused, "log: this daemon is in no fleet, so it has its own messages alone")
        }
        try fleet.log.check()
        return fleet.log
    }

    /// Ends the answers to all clients that follow messages.
    package nonisolated func endFeeds() {
        outbox.feed.end()
        fleet?.log.feed.end()
    }
}

/// The functions of this daemon that its fleet's node calls, such as starting a stream.
struct DaemonAsNode: FleetHost {
    let outbox: Outbox
    let queries: QueryRegistry
    let streams: StreamRegistry
    let queue: FrameQueue
    let thresholds: ThresholdStore

    /// Creates this daemon's node of the configured fleet, and a publisher for the fleet's log; nil without a fleet.
    func node(
        _ configuration: Configuration, _ model: ModelDirectory, _ gate: CurveGate?, _ logger: Logger
    ) throws -> FleetNode? {
        guard let fleet = configuration.fleet else { return nil }
        let identity = FleetNode.Identity(
            model: model.identity, version: watchwordVersion, credentials: Array(configuration.credentials.keys))
        let publisher = try Publisher(binding: fleet.publish, gate: gate)
        return try FleetNode(fleet, identity, host: self, logger: logger) {
            publisher.publish(topic: $0, seq: $1, body: $2)
        }
    }

    var journal: any NotifyLog { NotifierLog(outbox: outbox) }
    var sheds: Bool { queue.share.value < 1 }
    func check(_ stream: StreamConfiguration) async throws { try await streams.check(stream) }
    func start(_ stream: StreamConfiguration) async throws { try await streams.add(stream) }
    func stop(stream: String, isMoved: Bool) async throws { try await streams.release(stream, isMoved: isMoved) }
    func learnt(of stream: String) async throws -> Data { try await thresholds.learnt(of: stream) }
    func learn(_ json: Data, of stream: String) async throws -> Int { try await thresholds.take(json, of: stream) }
    func takeNewlyLearnt() async -> Set<String> { await thresholds.takeNews() }
    func states() async -> [String: String] {
        await Dictionary(streams.running.map { ($0.name, $0.currentState.word) }) { $1 }
    }
    func add(queries all: [JSONValue]) async throws { _ = try await queries.add(json: all) }
    func remove(query: String) async throws { _ = try await queries.remove(query) }

    func kept() async throws -> (queries: [String: Data], streams: [String: Data]) {
        var found: [String: Data] = [:]
        for saved in try await outbox.saved(.query) {
            found[saved.id] = try WireCoding.encode(SavedQuery(saved.json).configuration)
        }
        return (found, Dictionary(try await outbox.saved(.stream).map { ($0.id, $0.json) }) { $1 })
    }

    func kept(query: String) async throws -> Data? {
        try await outbox.saved(.query, id: query).map { try WireCoding.encode(SavedQuery($0).configuration) }
    }

    func save(_ id: String, _ json: Data) async throws { try await outbox.save(.fleet, id: id, json: json) }
    func saved() async throws -> [String: Data] {
        Dictionary(try await outbox.saved(.fleet).map { ($0.id, $0.json) }) { $1 }
    }
}
